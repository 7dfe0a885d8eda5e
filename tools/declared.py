"""What an author may declare about a tool, wherever it is written down: types with their bounds.

Light on purpose: settings and documents read it without loading what runs tools.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

TimeoutS = Annotated[float, Field(gt=0, le=600)]
CacheS = Annotated[float, Field(ge=0, le=86_400)]
Resource = Annotated[str, Field(max_length=500)]
ResultTokens = Annotated[int, Field(ge=64, le=1_000_000)]
MaxConcurrent = Annotated[int, Field(ge=1, le=1_000)]
MaxPerMinute = Annotated[float, Field(gt=0, le=1_000_000)]
Alias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class Declaration(BaseModel):
    """Frozen, without unknown keys; a docstring below a field tells its readers about it."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )


class BreakerKind(Declaration):
    """An upstream that keeps failing is left alone for a while."""

    failures: Annotated[int, Field(ge=1, le=1_000)] = 5
    """So many attempts in a row that could not be made or were not answered."""
    pause_s: Annotated[float, Field(gt=0, le=3_600)] = 30.0
    """For how long no call is let through, in seconds; then one tries."""


class ReadBackKind(Declaration):
    """A read-only tool that tells whether a call took effect (`tools.spec.ReadBack`)."""

    tool: str
    """The read-only tool's name."""
    arguments: dict[str, Any]
    """Its arguments: `$.name` stands for an argument of the call, `$key` for its idempotency key."""
    after_s: Annotated[float, Field(ge=0, le=3_600)] = 5.0
    """For how long after the call the read may not show it yet, in seconds."""
    absent: Annotated[str, Field(min_length=1, max_length=200)] = "HTTP 404"
    """A failure whose message begins so means that it was not done."""


class DeprecationKind(Declaration):
    """That a tool is on its way out, for those who still use it."""

    reason: Annotated[str, Field(min_length=1, max_length=300)]
    """Why, in a few words."""
    replacement: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """The name of the tool to be used instead, which need not be there yet."""
    until: date | None = None
    """The last day on which it can be relied on, as `2027-03-31`. Nothing is switched off then."""

    def notice(self) -> str:
        """All of it in a line."""
        told = [self.reason]
        told += [f"use {self.replacement}"] if self.replacement is not None else []
        told += [f"to be relied on until {self.until}"] if self.until is not None else []
        return "; ".join(told)
