"""What budgets have been used for: an account for each who, in each period. Money is never taken twice.

An amount is set aside before it may be spent, and booked afterwards with what it came to. What a process
has set aside and did not live to book comes back once it is known to be gone, after its lease: that may have been spent in part,
but a budget that no crash ever frees would end up as one that nobody can use.

Amounts are whole nanodollars, so that no sum is rounded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

NANO = 1_000_000_000
"""Nanodollars in a US dollar."""


def nanodollars(usd: float) -> int:
    """US dollars in nanodollars, rounded up; what a float's last digit adds is not."""
    return math.ceil(usd * NANO - 1e-3)


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One account that an amount is taken from. `limit` is what may be taken in `period`.

    `ends_at` is the period's end in seconds since the epoch, infinite for one without.
    """

    account: str
    period: str
    limit: int
    ends_at: float


@dataclass(frozen=True, slots=True)
class Balance:
    """What of an account is spent, and what is set aside."""

    spent: int = 0
    reserved: int = 0

    @property
    def taken(self) -> int:
        return self.spent + self.reserved


class NotLeftError(Exception):
    """An account has not so much left. Nothing was set aside, in no account."""

    def __init__(self, line: Line, balance: Balance) -> None:
        super().__init__(f"{line.account} in {line.period}: {balance.taken} of {line.limit} taken")
        self.line = line
        self.balance = balance


class AccountStore(Protocol):
    """Accounts by name and period. In process twin: `MemoryAccountStore`. Raises `StorageUnavailable`."""

    async def reserve(self, lines: Sequence[Line], amount: int) -> Sequence[Balance]:
        """Set `amount` aside in every account, or in none: then `NotLeftError`. Gives them as they are then."""
        ...

    async def settle(self, lines: Sequence[Line], reserved: int, spent: int) -> None:
        """Book `spent` in place of what was set aside, be it less or more."""
        ...

    async def balances(self, lines: Sequence[Line]) -> Sequence[Balance]:
        """The accounts as they are, in order."""
        ...

    async def aclose(self) -> None: ...
