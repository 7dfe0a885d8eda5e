"""Lives of a gateway's loop over SQL: `python -m tests.crash.lives`.

Each line of the input orders a life. It is forked, its process id is told, and when it has ended its exit
status (negative: the signal that killed it). A life starts as a gateway does, is asked for a payment, and
ends without closing anything: what counts has to be durable by then.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.loop import AgentLoop
from gateway.agent.run import RunRequest
from gateway.agent.settling import settling
from gateway.agent.writes import Writes
from gateway.storage.ledger import (
    Begun,
    Busy,
    Entry,
    EntryState,
    Intent,
    Ledger,
    Place,
    Receipt,
    Standing,
)
from gateway.storage.retention import Retention
from gateway.storage.sql.migrate import prepare
from gateway.storage.sql.stores import open_stores
from gateway.storage.waiting import Waiting
from routing.backends.scripted import Call, ScriptedBackend
from routing.router import Member, Router
from tools.executors.http_session import HttpSessions
from tools.registration import build, read_registration
from tools.registry import Registry


class DeadlyLedger(Ledger):
    """The real one, whose process dies at one point before or after."""

    def __init__(self, ledger: Ledger, point: str) -> None:
        self._ledger, self._point = ledger, point

    async def begin(self, intent: Intent) -> Begun | Standing | Busy:
        self._here("before the intent")
        way = await self._ledger.begin(intent)
        self._here("after the intent")
        return way

    async def close(
        self, place: Place, receipt: Receipt, only: Sequence[EntryState] = ("begun", "unknown")
    ) -> Entry | None:
        self._here("before the receipt")
        entry = await self._ledger.close(place, receipt, only)
        self._here("after the receipt")
        return entry

    async def withdraw(self, place: Place) -> None:
        await self._ledger.withdraw(place)

    async def get(self, place: Place) -> Entry | None:
        return await self._ledger.get(place)

    async def of_run(self, tenant: str, run_id: str) -> Sequence[Entry]:
        return await self._ledger.of_run(tenant, run_id)

    async def unknown(self, tenant: str | None, limit: int) -> Sequence[Entry]:
        return await self._ledger.unknown(tenant, limit)

    async def waiting(self) -> Waiting:
        return await self._ledger.waiting()

    async def aclose(self) -> None:
        await self._ledger.aclose()

    def _here(self, point: str) -> None:
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


def _tool(name: str, parameter: str, method: str, url: str, **more: Any) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {parameter: {"type": "string"}},
        "required": [parameter],
    }
    executor = {"kind": "http", "method": method, "url": url, "timeout_s": 5}
    described = {"name": name, "description": f"The tool {name}.", "parameters": parameters}
    return {**described, "executor": executor, **more}


def registry_of(bank: str, *, read_back: bool, sessions: HttpSessions | None = None) -> Registry:
    """The tools of a bank: one that pays, and one that looks whether a key was paid for."""
    look = {"tool": "paid", "arguments": {"reference": "$key"}, "after_s": 0.0}
    registry, sessions = Registry(), sessions or HttpSessions()
    for document in (
        _tool("paid", "reference", "GET", f"{bank}/paid", annotations={"read_only": True}),
        _tool(
            "pay", "invoice", "POST", f"{bank}/pay", **({"read_back": look} if read_back else {})
        ),
    ):
        spec, executor = build(read_registration(document), sessions, allow_private=True)
        registry.register(spec, executor)
    return registry


async def _live(order: dict[str, Any]) -> None:
    await asyncio.to_thread(prepare, order["url"])
    stores = open_stores(order["url"], Retention())
    registry = registry_of(order["bank"], read_back=order["read_back"])
    writes = Writes(DeadlyLedger(stores.ledger, order["point"]), registry.snapshot)
    call = Call("pay", {"invoice": order["invoice"]}, id=order["call_id"])
    router = Router(Member(ScriptedBackend([call, "Paid."])))
    loop = AgentLoop(router, registry, writes=writes)
    request = RunRequest((UserMessage(content="Pay."),), run_id=f"run_{order['invoice']}")
    async with settling(writes), aclosing(loop.run(request)) as events:
        async for _ in events:
            pass
    os._exit(0)


def _tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def main() -> None:
    """Live as ordered, one life after another."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                asyncio.run(_live(json.loads(line)))
            finally:
                os._exit(1)
        _tell(child)
        _tell(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main()
