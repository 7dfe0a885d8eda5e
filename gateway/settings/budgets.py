"""`budgets`: what may be spent on models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.section import Section

_Globs = Annotated[tuple[str, ...], Field(min_length=1)]


class BudgetSettings(Section):
    """At most so much in each period, for every key or tenant by itself, or for all together. See docs/budgets.md."""

    name: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """In errors and metrics; null: made of the other fields, as `tenant-month`."""
    usd: Annotated[float, Field(gt=0, le=1_000_000_000)]
    """US dollars, by `models.*.price` or LiteLLM's table."""
    per: Literal["key", "tenant", "all"] = "tenant"
    """Whose each account is; `key` is the tenant where there are no keys."""
    every: Literal["hour", "day", "week", "month", "ever"] = "month"
    """Of the calendar, in UTC. `ever`: it is never filled again."""
    tenants: _Globs = ("*",)
    """Whom it is for, by globs. Of budgets with the same `per` and `every` the first counts that is for somebody."""
    keys: _Globs = ("*",)
    """The same by the public ids of keys."""
