"""What may be spent on models: by whom, in which period. Values only; the taking is `gateway.agent.till`'s.

Periods are those of the calendar in UTC; a week begins on Monday.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from gateway.storage.accounts import NANO, Balance, Line, nanodollars

Per = Literal["key", "tenant", "all"]
Every = Literal["hour", "day", "week", "month", "ever"]


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `usd` dollars in each period for every one of those it is for.

    `tenants` and `keys` are globs. A budget `per` key is the tenant's where there are no keys.
    """

    name: str
    usd: float
    per: Per = "tenant"
    every: Every = "month"
    tenants: tuple[str, ...] = ("*",)
    keys: tuple[str, ...] = ("*",)

    def is_for(self, tenant: str, key: str) -> bool:
        """Whether what this one spends is taken from it."""
        return _matches(tenant, self.tenants) and _matches(key, self.keys)

    def line(self, tenant: str, key: str, now: float) -> Line:
        """The account of this one at `now`, in seconds since the epoch."""
        period, ends_at = _period(self.every, now)
        # Names are kept apart by what no printable name holds; a store may keep a digest of it.
        whose = {"all": (), "tenant": (tenant,), "key": (tenant, key)}[self.per]
        return Line("\0".join((self.per, *whose)), period, nanodollars(self.usd), ends_at)


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget as it stands for somebody."""

    budget: Budget
    line: Line
    balance: Balance

    @property
    def left_usd(self) -> float:
        return max(self.line.limit - self.balance.taken, 0) / NANO


def applying(budgets: Sequence[Budget], tenant: str, key: str) -> list[Budget]:
    """Those that hold for somebody: of the same `per` and `every`, the first that is for them."""
    found: dict[tuple[Per, Every], Budget] = {}
    for budget in budgets:
        if budget.is_for(tenant, key):
            found.setdefault((budget.per, budget.every), budget)
    return list(found.values())


def _matches(name: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def _period(every: Every, now: float) -> tuple[str, float]:
    """The name of the period, and when it ends."""
    at = datetime.fromtimestamp(now, UTC).replace(minute=0, second=0, microsecond=0)
    day = at.replace(hour=0)
    match every:
        case "hour":
            return f"{at:%Y-%m-%dT%H}", (at + timedelta(hours=1)).timestamp()
        case "day":
            return f"{day:%Y-%m-%d}", (day + timedelta(days=1)).timestamp()
        case "week":
            monday = day - timedelta(days=day.weekday())
            return f"{monday:%G-W%V}", (monday + timedelta(days=7)).timestamp()
        case "month":
            following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            return f"{day:%Y-%m}", following.timestamp()
        case "ever":
            return "ever", math.inf
