"""The accounts of budgets in the process's own memory: a restart fills every budget again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from gateway.storage.accounts import Balance, Line, NotLeftError

_MANY = 10_000
"""Accounts above which those of past periods are looked for and forgotten."""
_Place = tuple[str, str]


class Book:
    """Balances by account and period, and how one gateway's entries change them. Nothing here waits."""

    def __init__(self) -> None:
        self._balances: dict[_Place, Balance] = {}
        self._lines: dict[_Place, Line] = {}
        self._held: dict[_Place, int] = {}

    def __len__(self) -> int:
        return len(self._balances)

    def open(self, line: Line, balance: Balance, held: int) -> None:
        """Know an account as it stands; `held` of what is set aside is this gateway's."""
        self._balances[line.account, line.period] = balance
        self._held[line.account, line.period] = held

    def held(self, line: Line) -> int:
        """What of an account this gateway has set aside."""
        return self._held.get((line.account, line.period), 0)

    def of(self, lines: Iterable[Line]) -> list[Balance]:
        """The accounts as they stand, in order."""
        return [self._balances.get((line.account, line.period), Balance()) for line in lines]

    def reserve(self, lines: Sequence[Line], amount: int) -> Sequence[Balance]:
        """As `AccountStore.reserve`."""
        before = self.of(lines)
        for line, balance in zip(lines, before, strict=True):
            if balance.taken + amount > line.limit:
                raise NotLeftError(line, balance)
        after = [Balance(each.spent, each.reserved + amount) for each in before]
        self._write(lines, after, [amount] * len(lines))
        return after

    def settle(self, lines: Sequence[Line], reserved: int, spent: int) -> None:
        """As `AccountStore.settle`; no more comes back than is still held."""
        back = [min(reserved, self.held(line)) for line in lines]
        before = zip(self.of(lines), back, strict=True)
        after = [Balance(b.spent + spent, b.reserved - freed) for b, freed in before]
        self._write(lines, after, [-freed for freed in back])

    def changed(self) -> list[tuple[Line, Balance]]:
        """What entries have changed since it was opened, always in the same order."""
        return sorted(
            ((line, self._balances[place]) for place, line in self._lines.items()),
            key=lambda each: each[0],
        )

    def forget(self, before: float) -> None:
        """Close the accounts of periods that ended before a time in seconds since the epoch."""
        for past in [place for place, line in self._lines.items() if line.ends_at < before]:
            del self._balances[past], self._lines[past]
            self._held.pop(past, None)

    def _write(
        self, lines: Sequence[Line], balances: Sequence[Balance], taken: Sequence[int]
    ) -> None:
        for line, balance, more in zip(lines, balances, taken, strict=True):
            place = line.account, line.period
            self._balances[place], self._lines[place] = balance, line
            self._held[place] = self._held.get(place, 0) + more


class MemoryAccountStore:
    """An `AccountStore`. `now` gives seconds since the epoch."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._book = Book()
        self._now = now
        self._look_at = _MANY

    async def reserve(self, lines: Sequence[Line], amount: int) -> Sequence[Balance]:
        if len(self._book) > self._look_at:
            self._book.forget(self._now())
            self._look_at = max(_MANY, 2 * len(self._book))
        return self._book.reserve(lines, amount)

    async def settle(self, lines: Sequence[Line], reserved: int, spent: int) -> None:
        self._book.settle(lines, reserved, spent)

    async def balances(self, lines: Sequence[Line]) -> Sequence[Balance]:
        return self._book.of(lines)

    async def aclose(self) -> None:
        """Nothing is open."""
