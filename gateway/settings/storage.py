"""`storage`: where runs, responses and conversations are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_serializer, field_validator
from pydantic_core import PydanticCustomError

from gateway.settings.section import Section
from gateway.storage.location import without_password

SQLITE = "sqlite:///"


class StorageSettings(Section):
    """Where runs, stored responses and conversations are kept, and how much of them.

    The bounds hold for each tenant, with `memory:` for all together. What is oldest goes first.
    """

    url: Annotated[str, Field(repr=False)] = "sqlite:///var/gateway.db"
    """`sqlite:///FILE` (`sqlite:////FILE` for an absolute path), `postgresql://USER:PASSWORD@HOST/DATABASE`
    with the extra `postgresql`, or `memory:`, which forgets when the process ends."""
    max_runs: Annotated[int, Field(ge=1)] = 10_000
    """Runs, with their traces."""
    max_age_s: Annotated[float, Field(gt=0)] = 7 * 86_400.0
    """For a run after its end, in seconds."""
    max_responses: Annotated[int, Field(ge=1)] = 10_000
    """Stored responses; they go by chain."""
    max_conversations: Annotated[int, Field(ge=1)] = 10_000
    """Conversations; they go with all their items."""
    max_idle_s: Annotated[float, Field(gt=0)] = 30 * 86_400.0
    """For a chain of responses, and for a conversation, after it was last used, in seconds."""
    max_megabytes: Annotated[int, Field(ge=1)] = 256
    """Text of all runs, of all responses, and of all conversations: for each of the three."""
    max_file_megabytes: Annotated[int, Field(ge=1)] = 256
    """Images and files that tools brought: 8 of one, 64 of a run. They go with their run."""

    @field_validator("url", mode="after")
    @classmethod
    def _known(cls, url: str) -> str:
        file = url.removeprefix(SQLITE)
        if url in {"memory:", "sqlite:///:memory:"}:
            return "memory:"
        if (file != url and file) or url.startswith("postgresql://"):
            return url
        # Never the value itself: it may hold a password.
        raise PydanticCustomError(
            "unknown_storage",
            "is neither sqlite:///FILE nor postgresql://USER:PASSWORD@HOST/DATABASE nor memory:",
        )

    @field_serializer("url")
    def _without_its_password(self, url: str) -> str:
        return without_password(url)
