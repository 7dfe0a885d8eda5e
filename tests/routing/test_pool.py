"""Several engines as one: the least loaded answers, conversations stay, failing ones are left out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import repeat

import pytest
from mistral_common.protocol.instruct.messages import AssistantMessage, UserMessage

from routing.backend import Completion, Turn
from routing.backends.scripted import Item, Say, ScriptedBackend
from routing.errors import BackendProtocolError, BackendTimeout, BackendUnavailable
from routing.gauge import Gauge
from routing.pool import Pool


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def engines(*scripts: Sequence[Item]) -> tuple[Pool, list[ScriptedBackend], Clock]:
    backends = [ScriptedBackend(script, name=f"e{n}") for n, script in enumerate(scripts)]
    clock = Clock()
    return Pool(backends, clock), backends, clock


def turn(said: str = "Go.", *more: str) -> Turn:
    return Turn([UserMessage(content=said), *(AssistantMessage(content=each) for each in more)])


async def asked(pool: Pool, which: Turn) -> str:
    *_, last = [item async for item in pool.stream(which)]
    assert isinstance(last, Completion)
    return last.text


def counts(backends: list[ScriptedBackend]) -> list[int]:
    return [len(each.turns) for each in backends]


async def test_a_turn_goes_to_the_engine_with_the_least_to_do() -> None:
    goes_on = asyncio.Event()
    slow = Say("Hi.", pauses={0: goes_on})
    pool, backends, _ = engines(*[[slow] * 3] * 3)
    async with asyncio.TaskGroup() as group:
        for n in range(7):
            group.create_task(asked(pool, turn(f"{n}")))
            await asyncio.sleep(0)
        await asyncio.gather(*(each.asked(2) for each in backends))
        assert sorted(pool.in_flight) == [2, 2, 3]
        goes_on.set()
    assert pool.in_flight == (0, 0, 0)


async def test_the_turns_of_a_conversation_stay_with_their_engine_while_it_is_not_busier() -> None:
    goes_on = asyncio.Event()
    pool, backends, _ = engines(["Hi."] * 3 + [Say("Hi.", pauses={0: goes_on})] * 4, ["Hi."] * 3)
    for n in range(3):
        await asked(pool, turn("Same.", *"abc"[:n]))
    assert counts(backends) == [3, 0]
    async with asyncio.TaskGroup() as group:
        for _ in range(3):  # the third is more than the other engine's idleness is worth
            group.create_task(asked(pool, turn("Same.")))
        await backends[0].asked(6)
        assert await asked(pool, turn("Same.")) == "Hi."
        goes_on.set()
    assert counts(backends) == [6, 1]


async def test_what_others_gave_an_engine_counts_while_it_is_fresh() -> None:
    clock = Clock()

    async def busy(within_s: float) -> str:
        del within_s
        return "vllm:num_requests_running 4\nvllm:num_requests_waiting 1\n"

    gauges = [Gauge("e0", busy, clock=clock), Gauge("e1", busy, clock=clock)]
    backends = [ScriptedBackend(repeat("Hi."), name=f"e{n}") for n in range(2)]
    pool = Pool(backends, clock, gauges)
    await gauges[0].look(1)
    for n in range(3):
        await asked(pool, turn(f"{n}"))
    assert counts(backends) == [0, 3]
    clock.now = 60
    await asked(pool, turn("later"))
    assert counts(backends) == [1, 3]


async def test_a_turn_that_was_not_begun_goes_to_the_next_engine() -> None:
    pool, backends, _ = engines([BackendUnavailable("refused")], ["Hi."])
    assert await asked(pool, turn()) == "Hi."
    assert counts(backends) == [1, 1]


async def test_where_no_engine_answers_the_last_failure_is_told() -> None:
    pool, _, _ = engines([BackendUnavailable("one")], [BackendUnavailable("two")])
    with pytest.raises(BackendUnavailable, match="two"):
        await asked(pool, turn())


@pytest.mark.parametrize("error", [BackendTimeout("late"), BackendProtocolError("cut")])
async def test_what_may_have_been_answered_is_not_asked_again(error: Exception) -> None:
    pool, backends, _ = engines([error], ["Hi."])
    with pytest.raises(type(error)):
        await asked(pool, turn())
    assert counts(backends) == [1, 0]


async def test_a_failure_in_mid_answer_is_not_hidden() -> None:
    pool, backends, _ = engines([Say("Hello there.", breaks=BackendUnavailable("500"))], ["Hi."])
    with pytest.raises(BackendUnavailable):
        await asked(pool, turn())
    assert counts(backends) == [1, 0]


async def test_an_engine_that_fails_again_and_again_is_left_out_and_tried_later() -> None:
    pool, backends, clock = engines([BackendUnavailable("down")] * 4 + ["Hi."] * 3, ["Hi."] * 20)
    for n in range(8):
        await asked(pool, turn(f"{n}"))
    assert len(backends[0].turns) == 3
    clock.now = 5.1
    await asked(pool, turn("trial"))
    assert len(backends[0].turns) == 4
    clock.now = 10.0  # it failed, and is left out for twice as long
    await asked(pool, turn("not yet"))
    assert len(backends[0].turns) == 4
    clock.now = 15.2
    for n in range(4):
        await asked(pool, turn(f"again {n}"))
    assert len(backends[0].turns) == 6


async def test_with_all_engines_left_out_one_is_asked_all_the_same() -> None:
    pool, backends, _ = engines([BackendUnavailable("down")] * 3 + ["Back."])
    for _ in range(3):
        with pytest.raises(BackendUnavailable):
            await asked(pool, turn())
    assert await asked(pool, turn()) == "Back."
    assert counts(backends) == [4]


async def test_a_reader_that_leaves_frees_the_engine() -> None:
    pool, backends, _ = engines(list(repeat("Hello there, this is long.", 2)))
    stream = pool.stream(turn())
    await anext(stream)
    assert pool.in_flight == (1,)
    await stream.aclose()
    assert pool.in_flight == (0,)
    assert len(backends[0].stopped) == 1


async def test_the_pool_is_ready_while_one_is_and_has_what_all_have() -> None:
    pool, backends, _ = engines([], [])
    backends[0].is_ready, backends[1].context_tokens = False, 1000
    assert await pool.ready()
    assert pool.context_tokens == 1000
    await pool.aclose()
    assert all(each.closed for each in backends)


async def test_a_turn_is_counted_by_the_first_engine_as_all_have_its_tokenizer() -> None:
    pool, (first, _), _ = engines([Say("Hi.")], [Say("Hi.")])
    assert await pool.count_tokens(turn("How long?")) == await first.count_tokens(turn("How long?"))
