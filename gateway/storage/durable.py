"""Runs that outlive the process that does them: who does each, and what it has come to so far. The seam.

A run waits until a process has a place for it, and is done by the one process that holds it. Who holds it
and dies is found by the others, and one of them takes the run over. A run and its response begin together and
end together, with the run's record and what its conversation gains: all of it, or nothing. Only SQL has this:
what is in memory ends with its process.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gateway.storage.items import Item
from gateway.storage.responses import StoredResponse
from gateway.storage.schedules import Firing
from gateway.storage.waiting import Waiting

if TYPE_CHECKING:
    from gateway.storage.runs import RunLog

MOST_LOSSES = 10
"""How many processes may die over one step of a run, before it is thought to be what kills them."""
SUSPECT_LOSSES = 3
"""From so many on, a run is done only by a process that does no other of these.

So a run that kills its process takes no other along for long, and where processes die of something else, what they
begin with is so little that it is done before the next one dies.
"""


class LeaseLost(Exception):
    """Another process does this run now, or it was deleted. Stop, and write nothing."""


class QueueFull(Exception):
    """A tenant has as many runs waiting and going as it may have."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many runs in the background there may be.

    At a time so many go on `in_process`, and `of_tenant` in all processes together; `waiting` counts those of a
    tenant that wait or go on.
    """

    in_process: int = 100
    of_tenant: int = 50
    waiting: int = 1000


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that this process holds from now on, as it was put.

    `losses` is how many processes died over it since its last step. Whether it `is_cancelled`, nobody has told them.
    """

    tenant: str
    run_id: str
    state: dict[str, Any]
    losses: int
    is_cancelled: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run came to: its response with what it gave and told, and what its conversation gains."""

    response: StoredResponse
    outputs: Sequence[Item]
    events: Sequence[Mapping[str, Any]] = ()
    said: Sequence[Item] = ()


class DurableRuns(Protocol):
    """Keeps runs that wait or go on, by tenant. Every method raises `StorageUnavailable`."""

    async def put(
        self,
        state: Mapping[str, Any],
        response: StoredResponse,
        inputs: Sequence[Item],
        bounds: Bounds,
        *,
        at_once: bool,
        firing: Firing | None = None,
    ) -> bool:
        """Keep a new run with its response; both are on the disk when this returns.

        `state` is all it takes to begin it. Gives whether this process holds it already: it may, if it has
        a place (`at_once`), the tenant too, and nobody of the tenant waits. Where it is a
        schedule's `firing`, that is claimed in the same transaction. Raises `QueueFull`, `FireTaken`.
        """
        ...

    async def claim(self, going: Collection[str], most: int, bounds: Bounds) -> Sequence[Claimed]:
        """Hold up to `most` runs that nobody does: first those of tenants with the fewest, then the oldest.

        Of those with `SUSPECT_LOSSES` a process holds one at a time, of either kind; the fewest losses come first.
        `going` are the runs that this process does; what else it holds, it had to leave.
        """
        ...

    async def waiting(self) -> Waiting:
        """Responses that no living process does, each since it was asked for."""
        ...

    async def is_held(self, tenant: str, run_id: str) -> bool:
        """Whether a living process does this run, here or elsewhere; False while it waits, and when it is over."""
        ...

    async def steps(self, tenant: str, run_id: str) -> Mapping[tuple[int, str], dict[str, Any]]:
        """What was recorded, by step and kind."""
        ...

    async def record(
        self,
        tenant: str,
        run_id: str,
        at: tuple[int, str],
        value: Mapping[str, Any],
        *,
        once: bool = False,
    ) -> None:
        """Write down what came of a step, in the place of what was there. Raises `LeaseLost`.

        What is to be there `once` takes no place: whoever finds one there does not know what has happened since.
        """
        ...

    async def finish(self, log: RunLog, ended: Ended) -> None:
        """The run is over: keep what it came to, and forget the rest. Raises `LeaseLost`."""
        ...

    async def drop(self, response: StoredResponse, error: str) -> None:
        """End a run that this process holds and does not do: its response is this. Raises `LeaseLost`."""
        ...

    async def cancel(self, response: StoredResponse, error: str) -> bool:
        """End a run with this response, if nobody does it; else let who does it hear of it.

        Gives whether it is over.
        """
        ...

    async def stop(self, tenant: str, run_id: str) -> bool:
        """Let who does a run, or will, hear that it is to be ended; False for one that nobody does or will."""
        ...

    async def cancelled(self) -> Sequence[tuple[str, str]]:
        """Tenant and run of those that this process holds and that are to be ended."""
        ...

    async def aclose(self) -> None:
        """Let go of the runs that this process holds, for others, and of what is open."""
        ...
