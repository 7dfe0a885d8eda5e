"""Workers of a gateway that answer in the background: `python -m tests.crash.workers`.

Each line of the input orders a worker, which is forked; its process id is told. It starts the responses
that it is ordered, writes down which were acknowledged, and goes on with what dead workers left.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import ExitStack, suppress
from itertools import count
from typing import Any

from mistral_common.protocol.instruct.messages import AssistantMessage, ToolMessage
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.access.principal import ANYONE
from gateway.agent.loop import AgentLoop
from gateway.agent.run import Limits
from gateway.agent.settling import settling
from gateway.agent.writes import Writes
from gateway.api.responses.creation import prepare
from gateway.api.responses.live import LiveResponses
from gateway.api.responses.request import parse_request
from gateway.services import Services
from gateway.storage.errors import StorageUnavailable
from gateway.storage.retention import Retention
from gateway.storage.sql.migrate import prepare as migrated
from gateway.storage.sql.stores import open_stores
from routing.backend import Completion, TextDelta, TokenCount, Turn
from routing.native import new_call_id
from routing.router import Member, Router
from tests.crash.lives import registry_of

log = logging.getLogger(__name__)


class Payer:
    """A model that pays what it is asked to, in an order of its own and with ids that nobody foresees."""

    name = model = "payer"
    context_tokens = 32_768

    async def stream(self, turn: Turn) -> AsyncGenerator[TextDelta | Completion]:
        await asyncio.sleep(random.uniform(0, 0.03))
        asked = str(turn.messages[0].content).removeprefix("Pay ").removesuffix(".").split(" and ")
        paid = {each.name: each for each in turn.messages if isinstance(each, ToolMessage)}
        left = [invoice for invoice in asked if invoice not in _called(turn)]
        if left:
            yield Completion(calls=(_call("pay", random.choice(left)), _call("paid", "nothing")))
            return
        text = f"Paid {' and '.join(_called(turn))}." if "pay" in paid else "Nothing was paid."
        yield TextDelta(text)
        yield Completion(text=text)

    async def count_tokens(self, turn: Turn) -> TokenCount:
        return TokenCount(len(turn.messages), tuple(1 for _ in turn.messages))

    async def ready(self) -> bool:
        return True

    async def aclose(self) -> None:
        """Nothing is open."""


def _called(turn: Turn) -> list[str]:
    """The invoices that were paid, in that order: those whose call brought no error."""
    bad = {
        each.tool_call_id
        for each in turn.messages
        if isinstance(each, ToolMessage) and "error" in str(each.content)
    }
    calls = [
        call
        for message in turn.messages
        if isinstance(message, AssistantMessage)
        for call in message.tool_calls or ()
        if call.function.name == "pay" and call.id not in bad
    ]
    return [json.loads(call.function.arguments)["invoice"] for call in calls]


def _call(name: str, value: str) -> ToolCall:
    parameter = "invoice" if name == "pay" else "reference"
    arguments = json.dumps({parameter: value})
    return ToolCall(id=new_call_id(), function=FunctionCall(name=name, arguments=arguments))


async def _work(order: dict[str, Any]) -> None:
    """A gateway without its sockets; when it is asked to stop, it hands over what it has begun."""
    await asyncio.to_thread(migrated, order["url"])
    stores = open_stores(order["url"], Retention())
    registry, model = registry_of(order["bank"], read_back=True), Payer()
    writes = Writes(stores.ledger, registry.snapshot)
    loop = AgentLoop(Router(Member(model)), registry, writes=writes, durable=stores.durable)
    services = Services(
        loop,
        registry,
        {"intermediary": model},
        store=stores.runs,
        responses=stores.responses,
        conversations=stores.conversations,
        suspensions=stores.suspensions,
        writes=writes,
        durable=stores.durable,
        limits=Limits(deadline_s=600.0),
    )
    told = os.open(order["acknowledged"], os.O_WRONLY | os.O_APPEND)
    try:
        async with settling(writes, 1.0), LiveResponses(services, _soon) as live:
            for number in order["runs"]:
                await _start(services, live, number, told)
            await asyncio.Event().wait()
    finally:
        await services.aclose()
        others = stores.keys, stores.audit, stores.accounts, stores.tools, stores.news
        for store in (*others, stores.rates, stores.files, stores.schedules):
            await store.aclose()


async def _start(services: Services, live: LiveResponses, number: int, told: int) -> None:
    """Ask for a run until it is acknowledged, each time by another name, and write down which was."""
    for attempt in count():
        name = f"{number}.{os.getpid()}.{attempt}"
        body = {"input": f"Pay {name}a and {name}b.", "background": True}
        try:
            creation = await prepare(parse_request(body), services, ANYONE)
            await live.start(creation, ExitStack())
        except StorageUnavailable:
            await asyncio.sleep(0.1)
        else:
            os.write(told, f"{number} {name} {creation.id}\n".encode())
            return


async def _soon(_seconds: float) -> None:
    await asyncio.sleep(1.0)


async def _until_asked_to_stop(order: dict[str, Any]) -> None:
    work = asyncio.ensure_future(_work(order))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


def main() -> None:
    """Fork as ordered; who has died is nobody's child any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            random.seed()
            try:
                asyncio.run(_until_asked_to_stop(json.loads(line)))
            except Exception:
                log.exception("a worker has ended by itself")
            finally:
                os._exit(1)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
