"""The ledger of effects: what was going to be done is written down before it is, what came of it after.

An entry is one call of a tool that isn't read-only. Its life:

    begun ──► done | failed      the tool answered: a receipt
      └─────► unknown ──► done | not_done     nobody knows: the tool's read-back or a person says

An entry without a receipt stands in the way of the same logical call (same run, tool and arguments),
whoever asks again. So does one that was found `done` later: who asks again may have heard only that
nobody knew. What is `not_done` may be called again, and then has the key of the first time, so
that an upstream that was merely slow still recognises it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from gateway.storage.waiting import Waiting
from tools.spec import JSONObject

EntryState = Literal["begun", "done", "failed", "unknown", "not_done"]
SettledBy = Literal["", "tool", "read_back", "person"]

OPEN: tuple[EntryState, ...] = ("begun", "unknown")
"""Without a receipt."""
HOLDS_S = 900.0
"""Seconds for which a call without a receipt keeps other gateways from its resource: a gateway that
can't write receipts must not block it for good, and one that died is found within seconds anyway."""


CUT = "the gateway stopped between this call's intent and its receipt"
SILENT = "the gateway was not heard of any more between this call's intent and its receipt"
"""Why an entry is `unknown` that nobody but its gateway could close."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands. `id` is `STEP.CALL`: a call's id alone may come twice in a run."""

    tenant: str
    run_id: str
    id: str


@dataclass(frozen=True, slots=True)
class Intent:
    """What is going to be done. `key` is the idempotency key, stable over retries and resumption.

    `resource` is what it changes, of which one gateway at a time holds the right to; "" nobody's. It is
    for `begin` alone, and not read back.
    """

    place: Place
    tool: str
    arguments: JSONObject
    key: str
    resource: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """The same for the same logical call: the tool and its arguments, whatever their order."""
        canonical = json.dumps([self.tool, self.arguments], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """How an entry leaves a state. `result` is what the call brought, as in a trace, if it did."""

    state: EntryState
    by: SettledBy
    result: dict[str, Any] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One effect as the ledger has it. Times are seconds since the epoch."""

    intent: Intent
    state: EntryState
    by: SettledBy
    note: str
    result: dict[str, Any] | None
    created_at: float
    changed_at: float

    @property
    def may_be_under_way(self) -> bool:
        """Whether its gateway was only silent, and may still be at it: cut off, or suspended."""
        return self.state == "unknown" and self.note == SILENT


@dataclass(frozen=True, slots=True)
class Begun:
    """The intent is written down: go, with this idempotency key."""

    key: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Don't: this entry is the same call, or one of the same meaning that has no receipt."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Busy:
    """Not now: another gateway has begun a call that changes the same resource, and has no receipt yet."""


WITHDRAWN = Receipt(
    "not_done",
    "tool",
    note="the store did not say whether it was written down, so it was not begun",
)


class Ledger(Protocol):
    """Keeps entries, by tenant. Twins: memory, and SQL beside the runs."""

    async def begin(self, intent: Intent) -> Begun | Standing | Busy:
        """Write an intent down, durably, unless an entry stands in its way.

        A call of another gateway that is `begun` holds its resource, for `HOLDS_S` at most. Raises `StorageUnavailable`: then nothing may be done,
        though the intent may stand (`withdraw`).
        """
        ...

    async def close(
        self, place: Place, receipt: Receipt, only: Sequence[EntryState] = OPEN
    ) -> Entry | None:
        """Leave one of the states `only`; None when there is no such entry in one of them.

        What a tool said closes only what was begun by this gateway.

        Raises `StorageUnavailable`.
        """
        ...

    async def withdraw(self, place: Place) -> None:
        """The intent here at which `begin` raised, and which may stand all the same, is `not_done`.

        What was begun here before, or by others, stays. Raises `StorageUnavailable`.
        """
        ...

    async def get(self, place: Place) -> Entry | None:
        """One entry."""
        ...

    async def of_run(self, tenant: str, run_id: str) -> Sequence[Entry]:
        """A run's entries in the order in which they were begun."""
        ...

    async def unknown(self, tenant: str | None, limit: int) -> Sequence[Entry]:
        """What waits for someone who knows, the oldest first; of all tenants for None."""
        ...

    async def waiting(self) -> Waiting:
        """How many entries are `unknown`, each since it was begun."""
        ...

    async def aclose(self) -> None:
        """Let go of what is open."""
        ...


def way_of(intent: Intent, same: Sequence[Entry]) -> Entry | Begun:
    """What a new intent meets: `same` are the run's entries of the same digest or place, in order."""
    for entry in same:
        stands = entry.intent.place == intent.place and entry.state != "not_done"
        found_later = entry.state == "done" and entry.by != "tool"
        if stands or (
            entry.intent.digest == intent.digest and (entry.state in OPEN or found_later)
        ):
            return entry
    taken_up = (entry.intent.key for entry in same if entry.state == "not_done")
    return Begun(next(taken_up, intent.key))
