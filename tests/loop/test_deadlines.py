"""No run ends later than its deadline and 50 ms, whatever hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.loop import AgentLoop
from gateway.agent.run import Limits, RunRequest
from gateway.agent.till import Till, Unpayable
from gateway.agent.writes import Writes
from gateway.budgets import Budget
from gateway.context.options import ContextOptions
from gateway.storage.accounts import Balance, Line
from gateway.storage.ledger import Begun, Busy, Intent, Standing
from gateway.storage.memory_accounts import MemoryAccountStore
from gateway.storage.memory_ledger import MemoryLedger
from routing.backend import StreamItem, TokenCount, Turn
from routing.backends.scripted import Call, Item, ScriptedBackend
from routing.errors import BackendError
from routing.router import Member, Price, Router
from tests.lateness import lateness
from tools.spec import ValidCall

DEADLINE_S = 0.3
LATEST_S = DEADLINE_S + 0.05
RESERVE_S = DEADLINE_S * 0.1
"""What is kept for the last answer."""
GOOD = Call("get_weather", {"city": "Rome"})
BAD = Call("add", {"a": "x", "b": None})
BOOK = Call("book", {"city": "Rome"})


async def hang(call: ValidCall | None = None) -> None:
    del call
    await asyncio.Event().wait()


async def be_deaf(call: ValidCall | None = None) -> str:
    """Goes on whatever it is told, for a second at most."""
    del call
    clock = asyncio.get_running_loop().time
    until = clock() + 1.0
    while (left := until - clock()) > 0:
        try:
            await asyncio.sleep(left)
        except asyncio.CancelledError:
            continue
    return "at last"


class Hanging(ScriptedBackend):
    """Hangs where it is told: before a word, after one, while it is let go of, or while it counts."""

    def __init__(self, where: str, script: Sequence[Item] = ("Hello there.",)) -> None:
        super().__init__(script, context_tokens=200)
        self.where = where

    async def stream(self, turn: Turn) -> AsyncGenerator[StreamItem, None]:
        if self.where == "answer":
            await hang()
        try:
            async for item in super().stream(turn):
                yield item
                if self.where == "word":
                    await hang()
        finally:
            if self.where == "close":
                await hang()

    async def count_tokens(self, turn: Turn) -> TokenCount:
        if self.where == "count":
            await hang()
        return await super().count_tokens(turn)


class HangingLedger(MemoryLedger):
    async def begin(self, intent: Intent) -> Begun | Standing | Busy:
        await hang()
        return await super().begin(intent)


class HangingAccounts(MemoryAccountStore):
    async def settle(self, lines: Sequence[Line], reserved: int, spent: int) -> None:
        await hang()

    async def reserve(self, lines: Sequence[Line], amount: int) -> Sequence[Balance]:
        return await super().reserve(lines, amount)


@dataclass(frozen=True, slots=True)
class Ended:
    """A run's events, the error it ended in the last of them, and by how much the machine was late meanwhile."""

    events: list[Any]
    late_s: float

    def answers(self, text: str) -> bool:
        """Whether the model told `text`; where the machine slept through the time for it, that time was up."""
        told = self.events[-1].outcome
        slept = self.late_s > RESERVE_S / 2
        return told.text == text or (slept and told.incomplete.reason == "deadline")


async def timed(loop: AgentLoop, **request: Any) -> Ended:
    """A run that has to end in time.

    What the machine itself is late by, as another timer at the same deadline shows, is not counted.
    """
    asked = RunRequest(
        messages=(UserMessage(content="Go."),), limits=Limits(deadline_s=DEADLINE_S), **request
    )
    clock = asyncio.get_running_loop().time
    began = clock()
    events: list[Any] = []
    async with lateness() as machine:
        try:
            events.extend([event async for event in loop.run(asked)])
        except (BackendError, Unpayable) as error:
            events.append(error)
        took_s = clock() - began
    assert took_s < LATEST_S + 3 * machine.worst_s, f"{took_s:.3f} s"
    return Ended(events, machine.worst_s)


@pytest.mark.parametrize("where", ["answer", "word", "close", "count"])
@pytest.mark.parametrize("strategy", ["refuse", "summarise"])
async def test_a_model_that_hangs(stage: Any, where: str, strategy: Any) -> None:
    till = Till(budgets=[Budget("b", 1.0)])
    loop = AgentLoop(Router(Member(Hanging(where), Price(1, 1))), stage.registry, till=till)
    await timed(loop, context=ContextOptions(strategy))


@pytest.mark.parametrize("where", ["answer", "word", "close", "count"])
async def test_an_expert_that_hangs(stage: Any, where: str) -> None:
    small = ScriptedBackend([BAD, BAD, "I tried."])
    router = Router(Member(small), Member(Hanging(where), Price(1, 1)))
    till = Till(budgets=[Budget("b", 1.0)])
    await timed(AgentLoop(router, stage.registry, till=till))


@pytest.mark.parametrize("act", [hang, be_deaf])
@pytest.mark.parametrize("calls", [[GOOD], [GOOD, GOOD], [BOOK], [GOOD, BOOK, GOOD]])
async def test_a_tool_that_hangs_and_one_that_can_not_be_cut(
    stage: Any, act: Callable[[ValidCall], Awaitable[Any]], calls: list[Call]
) -> None:
    stage.tools.act = {"get_weather": act, "book": act}
    ended = await timed(stage.loop([calls, "I could not."]))
    assert ended.answers("I could not.")


async def test_a_tool_that_hangs_before_a_model_that_hangs(stage: Any) -> None:
    stage.tools.act = {"get_weather": be_deaf}
    never = Hanging("answer", [])
    stage.loop([GOOD])
    model = stage.intermediary

    class First(ScriptedBackend):
        def stream(self, turn: Turn) -> AsyncGenerator[StreamItem, None]:
            return model.stream(turn) if not model.turns else never.stream(turn)

    ended = await timed(AgentLoop(Router(Member(First([]))), stage.registry))
    assert ended.events[-1].outcome.incomplete.reason == "backend_failed"


async def test_a_ledger_that_hangs(stage: Any) -> None:
    stage.loop([BOOK, "I could not."])
    writes = Writes(HangingLedger())
    loop = AgentLoop(Router(Member(stage.intermediary)), stage.registry, writes=writes)
    ended = await timed(loop)
    assert ended.answers("I could not.")
    assert stage.tools.log == []


async def test_accounts_that_hang_while_they_are_booked(stage: Any) -> None:
    till = Till(HangingAccounts(), [Budget("b", 1.0)])
    model = ScriptedBackend(["Hello."])
    loop = AgentLoop(Router(Member(model, Price(1, 1))), stage.registry, till=till)
    ended = await timed(loop)
    assert ended.answers("Hello.")
