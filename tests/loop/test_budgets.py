"""Money is set aside before a model is asked, and booked with what the turn came to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import RunFinished
from gateway.agent.loop import AgentLoop
from gateway.agent.run import Limits, Outcome, RunRequest
from gateway.agent.till import Till, Unpayable
from gateway.agent.worst_case import bounded
from gateway.budgets import Budget
from gateway.storage.accounts import NANO, Balance, Line
from gateway.storage.errors import StorageUnavailable
from gateway.storage.memory_accounts import MemoryAccountStore
from routing.backend import Sampling, TokenCount, Turn, Usage
from routing.backends.scripted import Call, Item, Say, ScriptedBackend
from routing.consistency import SelfConsistent
from routing.errors import BackendProtocolError, BackendUnavailable
from routing.gauge import Gauge
from routing.priority import Priority
from routing.router import Member, Price, Router, dearest
from routing.tiers import Tier, Tiered
from tests.lateness import lateness
from tools.registry import Registry

ASK = RunRequest(messages=(UserMessage(content="Go."),))
PRICE = Price(1.0, 1.0)
SAID = Usage(20, 10)


async def ended(loop: AgentLoop, request: RunRequest = ASK) -> Outcome:
    *_, last = [event async for event in loop.run(request)]
    assert isinstance(last, RunFinished)
    return last.outcome


def missing(outcome: Outcome) -> str | None:
    return outcome.incomplete and outcome.incomplete.reason


class Bank:
    """A loop over a budget, and what stands in its account."""

    def __init__(self, script: Sequence[Item], usd: float = 1.0, store: Any = None) -> None:
        self.model = ScriptedBackend(script)
        self.budget = Budget("small", usd, every="ever")
        self.till = Till(store or MemoryAccountStore(), [self.budget], clock=lambda: 0.0)
        self.loop = AgentLoop(Router(Member(self.model, PRICE)), Registry(), till=self.till)

    async def run(self, request: RunRequest = ASK) -> Outcome:
        return await ended(self.loop, request)

    async def balance(self) -> Balance:
        await self.till.drain(1.0)
        [standing] = await self.till.standing("default", "")
        return standing.balance


class FullEngine:
    """Tells that its cache is full."""

    async def __call__(self, within_s: float) -> str:
        del within_s
        return "vllm:num_requests_running 1\nvllm:kv_cache_usage_perc 0.95\n"


def nano(tokens: int) -> int:
    return round(tokens * 1e-6 * NANO)


async def test_while_a_turn_runs_its_worst_case_is_set_aside() -> None:
    goes_on = asyncio.Event()
    bank = Bank([Say("Hello.", usage=SAID, pauses={0: goes_on})])
    async with asyncio.TaskGroup() as group:
        run = group.create_task(bank.run())
        await bank.model.asked()
        [standing] = await bank.till.standing("default", "")
        assert standing.balance.reserved > nano(2048)
        goes_on.set()
    assert run.result().text == "Hello."
    assert await bank.balance() == Balance(nano(30), 0)


@pytest.mark.parametrize(("priority", "paid"), [("high", 30), ("low", 60)])
async def test_of_two_tiers_the_dearer_is_set_aside_and_the_one_that_answered_is_paid(
    priority: Priority, paid: int
) -> None:
    goes_on = asyncio.Event()
    bank = Bank([])
    said = Say("Hello.", usage=SAID, pauses={0: goes_on})
    first, other = ScriptedBackend([said]), ScriptedBackend([said])
    full = Gauge("gpu", FullEngine())
    await full.look(1)
    both = Tiered(Tier("gpu", first, gauges=[full]), Tier("cpu", other))
    dear = Price(2.0, 2.0)
    member = Member(both, dearest(PRICE, dear), {"gpu": PRICE, "cpu": dear})
    bank.loop = AgentLoop(Router(member), Registry(), till=bank.till)
    async with asyncio.TaskGroup() as group:
        run = group.create_task(bank.run(replace(ASK, priority=priority)))
        await (first if priority == "high" else other).asked()
        [standing] = await bank.till.standing("default", "")
        assert standing.balance.reserved > nano(2 * 2048)
        goes_on.set()
    assert run.result().cost_usd == pytest.approx(paid * 1e-6)
    assert await bank.balance() == Balance(nano(paid), 0)


async def test_a_turn_that_no_money_is_left_for_is_refused_with_what_is_left() -> None:
    bank = Bank([], usd=0.001)
    with pytest.raises(Unpayable, match=r"The budget small has \$0.001000 of \$0.001 left") as told:
        await bank.run()
    assert told.value.retry_after_s is None
    assert bank.model.turns == []
    assert await bank.balance() == Balance()


async def test_a_run_that_has_done_something_ends_with_what_it_has(stage: Any) -> None:
    dear = Say(calls=[Call("add", {"a": 1, "b": 2})], usage=Usage(900_000, 0))
    stage.intermediary = ScriptedBackend([dear])
    till = Till(budgets=[Budget("small", 0.9, per="all", every="ever")])
    loop = AgentLoop(Router(Member(stage.intermediary, PRICE)), stage.registry, till=till)
    outcome = await ended(loop)
    assert missing(outcome) == "budget"
    assert outcome.text.startswith("I stopped, because the budget is spent: The budget small")


async def test_a_model_that_could_not_be_reached_costs_nothing() -> None:
    bank = Bank([BackendUnavailable("refused")])
    with pytest.raises(BackendUnavailable):
        await bank.run()
    assert await bank.balance() == Balance()


async def test_a_turn_that_was_cut_counts_with_all_that_was_set_aside() -> None:
    bank = Bank([Say("Hello, this is", breaks=BackendProtocolError("cut"))])
    outcome = await bank.run()
    assert missing(outcome) == "stream_cut"
    balance = await bank.balance()
    assert balance.reserved == 0
    assert balance.spent > nano(2048)


async def test_a_model_that_fails_in_mid_answer_counts_although_it_says_unavailable() -> None:
    bank = Bank([Say("Hello, this is", breaks=BackendUnavailable("500"))])
    await bank.run()
    assert (await bank.balance()).spent > nano(2048)


async def test_a_cancelled_run_leaves_nothing_set_aside() -> None:
    bank = Bank([Say("Hello.", pauses={0: asyncio.Event()})])
    async with asyncio.TaskGroup() as group:
        run = group.create_task(bank.run())
        await bank.model.asked()
        run.cancel()
    balance = await bank.balance()
    assert balance.reserved == 0
    assert balance.spent > 0


async def test_a_reader_that_leaves_in_mid_answer_leaves_nothing_set_aside() -> None:
    bank = Bank([Say("Hello, this is a long answer.")])
    async with aclosing(bank.loop.run(ASK)) as events:
        async for event in events:
            if type(event).__name__ == "TextDelta":
                break
    assert (await bank.balance()).reserved == 0


class Slow(MemoryAccountStore):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    async def reserve(self, lines: Sequence[Line], amount: int) -> Sequence[Balance]:
        self.asked.set()
        await self.answers.wait()
        return await super().reserve(lines, amount)


async def test_what_is_set_aside_after_the_caller_has_left_is_given_back() -> None:
    store = Slow()
    bank = Bank([], store=store)
    async with asyncio.TaskGroup() as group:
        run = group.create_task(bank.run())
        await store.asked.wait()
        run.cancel()
    store.answers.set()
    assert await bank.balance() == Balance()
    assert bank.model.turns == []


async def test_a_store_that_hangs_lets_nothing_be_spent_and_ends_the_run_in_time() -> None:
    store = Slow()
    bank = Bank([], store=store)
    clock = asyncio.get_running_loop().time
    began = clock()
    async with lateness() as late:
        with pytest.raises(Unpayable, match="can't be read now"):
            await bank.run(replace(ASK, limits=Limits(deadline_s=0.2)))
        took = clock() - began
    assert took < 0.25 + late.worst_s
    store.answers.set()
    assert await bank.balance() == Balance()


class Failing(MemoryAccountStore):
    """Can't be written for a time."""

    fails = 1

    async def settle(self, lines: Sequence[Line], reserved: int, spent: int) -> None:
        if self.fails:
            self.fails -= 1
            raise StorageUnavailable("away")
        await super().settle(lines, reserved, spent)


async def test_a_booking_that_fails_is_tried_again() -> None:
    bank = Bank([Say("Hello.", usage=SAID)], store=Failing())
    await bank.run()
    assert await bank.balance() == Balance(nano(30), 0)


async def test_a_model_without_a_price_takes_nothing_and_is_not_bounded(stage: Any) -> None:
    model = ScriptedBackend(["Hello."])
    till = Till(budgets=[Budget("none", 1e-9)])
    loop = AgentLoop(Router(Member(model)), Registry(), till=till)
    _ = [event async for event in loop.run(ASK)]
    assert model.turns[0].sampling.max_tokens is None


async def test_an_expert_that_the_budget_can_not_pay_is_not_asked(stage: Any) -> None:
    bad = Call("add", {"a": "x", "b": None})
    small, large = ScriptedBackend([bad, bad, "I tried."]), ScriptedBackend([])
    router = Router(Member(small), Member(large, PRICE))
    till = Till(budgets=[Budget("tiny", 0.0001)])
    loop = AgentLoop(router, stage.registry, till=till)
    outcome = await ended(loop)
    assert missing(outcome) == "budget"
    assert outcome.text.startswith("I tried.")


async def test_an_answer_is_made_as_short_as_the_run_can_pay_for() -> None:
    bank = Bank([Say("Hello.", usage=SAID)])
    outcome = await bank.run(replace(ASK, limits=Limits(max_cost_usd=0.0007)))
    assert bank.model.turns[0].sampling.max_tokens == 512
    assert outcome.text == "Hello."


async def test_what_a_cut_turn_may_have_cost_counts_against_the_runs_own_budget(
    stage: Any,
) -> None:
    played = await stage.play(
        [BackendProtocolError("cut"), BackendProtocolError("cut")],
        limits=Limits(max_cost_usd=0.0003),
    )
    assert len(stage.intermediary.turns) == 1
    assert played.outcome.incomplete.reason == "max_cost"


class Counting(ScriptedBackend):
    """Knows its tokenizer."""

    async def count_tokens(self, turn: Turn) -> TokenCount:
        return TokenCount(10, (10,) * len(turn.messages), is_exact=True)


async def test_a_prompt_is_counted_where_the_tokenizer_is_known_and_else_bounded_by_its_bytes() -> (
    None
):
    turn = Turn([UserMessage(content="价格" * 100)], sampling=Sampling(max_tokens=100))
    _, exact = await bounded(Member(Counting([]), PRICE), turn, None)
    _, guessed = await bounded(Member(ScriptedBackend([]), PRICE), turn, None)
    assert exact == pytest.approx((10 + 16 + 100) * 1e-6)
    assert guessed >= 700 * 1e-6
    _, sampled = await bounded(Member(SelfConsistent(Counting([]), 4), PRICE), turn, None)
    assert sampled == pytest.approx(5 * exact)


async def test_an_answer_leaves_room_for_its_prompt_in_the_window() -> None:
    backend = Counting([], context_tokens=1000)
    turn, _ = await bounded(Member(backend, PRICE), Turn([UserMessage(content="Go.")]), None)
    assert turn.sampling.max_tokens == 1000 - 10 - 16
