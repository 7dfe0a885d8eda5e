"""Whose turn it is to write to a resource, in this process: one at a time, first come, first served.

What it is: a queue a resource, made when someone comes and dropped when the last one leaves.
What it is not: an order between gateways; there the ledger says who holds a resource (`gateway.storage.ledger`).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

import orjson

from tools.spec import ValidCall
from tools.wrappers.cache import canonical

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

Name = tuple[str, str]
"""Tenant and resource."""


@dataclass(slots=True)
class Turn:
    """The right to write, until `release`. `wanted` turns false when nobody waits for what comes of it.

    `asked` says that the ledger was asked to begin, so that the call may be under way. With a `withdrawal`, the
    turn lasts until that is done.
    """

    resource: str
    wanted: bool = True
    asked: bool = False
    withdrawal: asyncio.Task[None] | None = None


@dataclass(slots=True)
class _Queue:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    people: int = 0


class Turns:
    """The queues of an application, all of one event loop."""

    def __init__(self) -> None:
        self._queues: dict[Name, _Queue] = {}

    def __len__(self) -> int:
        """How many resources are waited for or written to."""
        return len(self._queues)

    async def take(self, call: ValidCall, tenant: str, deadline: float | None) -> Turn:
        """Wait until no other write of this call's resource runs here. Raises `TimeoutError`.

        Whoever gets a turn gives it back by `release`.
        """
        name = tenant, resource_of(call)
        queue = self._queues.setdefault(name, _Queue())
        queue.people += 1
        try:
            async with asyncio.timeout_at(deadline):
                await queue.lock.acquire()
        except BaseException:
            self._leave(name, queue)
            raise
        return Turn(name[1])

    def release(self, tenant: str, turn: Turn) -> None:
        """The next one's turn."""
        name = tenant, turn.resource
        queue = self._queues[name]
        queue.lock.release()
        self._leave(name, queue)

    def _leave(self, name: Name, queue: _Queue) -> None:
        queue.people -= 1
        if not queue.people:
            del self._queues[name]


def resource_of(call: ValidCall) -> str:
    """What a call writes to, as its tool declares it; by default the same tool with the same arguments."""
    if call.tool.resource is None:
        return f"{call.name} {canonical(call.arguments)}"
    arguments = call.arguments

    def shown(found: re.Match[str]) -> str:
        if found[1] not in arguments:
            return found[0]
        value = arguments[found[1]]
        return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()

    return _PLACEHOLDER.sub(shown, call.tool.resource)
