"""Runs as metrics: what is counted, under which labels, and that labels stay few."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from itertools import repeat
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import ContextShortened, RunEvent, TextDelta
from gateway.agent.loop import AgentLoop, RequestDenied
from gateway.agent.run import RunRequest
from gateway.context.receipt import Shortened
from gateway.telemetry.labels import Bounded, one_of
from gateway.telemetry.metrics import RunMetrics
from gateway.telemetry.observing import ObservedLoop
from gateway.telemetry.slots import Slots
from policies.decision import Deny
from policies.policy import Policy
from routing.backend import Usage
from routing.backends.scripted import Call, Say, ScriptedBackend
from routing.errors import BackendUnavailable
from routing.router import Member, Price, Router
from tools.registry import Registry

Watch = Callable[..., Awaitable[list[Any]]]
Value = Callable[..., float | None]

ADD = Call("add", {"a": 2, "b": 3})


async def test_a_run_with_one_call_is_counted_in_every_metric_that_it_touches(
    watch: Watch, metrics: RunMetrics, value: Value
) -> None:
    used = Usage(prompt_tokens=50, completion_tokens=7, cached_tokens=20)
    await watch([metrics], [ADD, Say("It is 5.", usage=used)])
    assert value("runs_total", role="gateway", stop="answer") == 1
    assert value("runs_in_flight") == 0
    assert value("run_seconds_count") == 1
    assert value("time_to_first_token_seconds_count") == 1
    assert value("turns_total", role="intermediary", finish="tool_calls") == 1
    assert value("turns_total", role="intermediary", finish="stop") == 1
    assert value("turn_seconds_count", role="intermediary") == 2
    assert value("turns_in_flight", role="intermediary") == 0
    of = {"role": "intermediary", "model": "small"}
    assert value("tokens_total", kind="prompt", **of) == 150
    assert value("tokens_total", kind="completion", **of) == 17
    assert value("tokens_total", kind="cached", **of) == 20
    assert value("cost_usd_total", **of) == pytest.approx((150 * 1 + 17 * 2) / 1e6)
    assert value("calls_total", tool="add", verdict="valid") == 1
    assert value("tool_seconds_count", tool="add") == 1


def shortened(*, summarised: bool) -> RunEvent:
    made = Shortened(1, "summarise", messages=6, tokens=900, kept=3)
    if summarised:
        made = replace(
            made,
            summary="They added.",
            role="intermediary",
            model="small",
            usage=Usage(900, 20),
            cost_usd=0.5,
        )
    return ContextShortened(made)


def test_a_summary_is_paid_for_and_counted(metrics: RunMetrics, value: Value) -> None:
    watching = metrics.begin(RunRequest((UserMessage(content="Go."),)))
    watching.see(shortened(summarised=True))
    watching.see(shortened(summarised=False))
    watching.end("finished", None)
    of = {"role": "intermediary", "model": "small"}
    assert value("tokens_total", kind="prompt", **of) == 900
    assert value("cost_usd_total", **of) == 0.5


async def test_a_call_is_valid_repaired_invalid_or_denied(
    watch: Watch, metrics: RunMetrics, value: Value
) -> None:
    class NotThree(Policy):
        def on_call(self, subject: Any, call: Any) -> Any:
            return Deny("no threes", "not_three") if call.arguments["b"] == 3 else None

    class AllowOthers(NotThree):
        def on_call(self, subject: Any, call: Any) -> Any:
            return super().on_call(subject, call) or Policy().on_call(subject, call)

    script = [
        Call("add", {"a": "2", "b": 4}),
        Call("add", {"a": "two", "b": 4}),
        ADD,
        "Enough.",
    ]
    await watch([metrics], script, policies=AllowOthers())
    for verdict in ("repaired", "invalid", "denied"):
        assert value("calls_total", tool="add", verdict=verdict) == 1, verdict
    assert value("tool_seconds_count", tool="add") == 1  # refused calls are no tool's time


async def test_a_failing_tool_is_counted_by_why(
    watch: Watch, metrics: RunMetrics, value: Value
) -> None:
    await watch([metrics], [Call("add", {"a": 13, "b": 1}), "It did not work."])
    assert value("tool_errors_total", tool="add", failure="tool") == 1
    assert value("tool_seconds_count", tool="add") == 1


async def test_a_decision_that_was_lent_is_counted_by_reason_and_result(
    watch: Watch, metrics: RunMetrics, value: Value
) -> None:
    await watch([metrics], [BackendUnavailable("down")], expert=["I am the expert."])
    assert value("escalations_total", reason="backend_down", result="decided") == 1
    lent = value("escalation_cost_usd_total", reason="backend_down")
    assert lent == pytest.approx((100 * 2.0 + 10 * 6.0) / 1e6)
    assert value("turns_total", role="intermediary", finish="failed") == 1
    assert value("turns_in_flight", role="intermediary") == 0
    assert value("turns_total", role="expert", finish="stop") == 1


async def test_a_run_that_fails_is_denied_or_left_is_counted_as_that(
    watch: Watch, metrics: RunMetrics, value: Value, tools: Registry
) -> None:
    class Nobody(Policy):
        def on_request(self, subject: Any, messages: Any) -> Any:
            return Deny("closed", "nobody")

    with pytest.raises(BackendUnavailable):
        await watch([metrics], [BackendUnavailable("down")])
    with pytest.raises(RequestDenied):
        await watch([metrics], [], policies=Nobody())
    small = Member(ScriptedBackend(["A long answer."]), Price(1.0, 1.0))
    loop = ObservedLoop(AgentLoop(Router(small, None), tools), [metrics])
    async with aclosing(loop.run(RunRequest((UserMessage(content="Go."),)))) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
        assert value("runs_in_flight") == 1
        assert value("turns_in_flight", role="intermediary") == 1
    assert value("runs_total", role="gateway", stop="failed") == 1
    assert value("runs_total", role="gateway", stop="denied") == 1
    assert value("runs_total", role="gateway", stop="cancelled") == 1
    assert value("turns_total", role="intermediary", finish="cancelled") == 1
    assert value("runs_in_flight") == 0
    assert value("turns_in_flight", role="intermediary") == 0


async def test_a_run_that_could_not_do_everything_is_counted_by_what_stopped_it(
    watch: Watch, metrics: RunMetrics, value: Value
) -> None:
    await watch([metrics], [Say("It is", finish_reason="length")])
    assert value("incomplete_total", reason="max_output_tokens") == 1
    assert value("runs_total", role="gateway", stop="length") == 1


async def test_names_that_models_make_up_and_apps_bring_never_become_labels(
    watch: Watch, metrics: RunMetrics, value: Value
) -> None:
    script = [*(Call(f"made_up_{number}") for number in range(3)), "No such tool."]
    await watch([metrics], script)
    labels = {
        sample.labels["tool"]
        for metric in metrics.instruments.registry.collect()
        for sample in metric.samples
        if "tool" in sample.labels
    }
    assert labels == {"other"}


def test_only_so_many_known_names_get_a_label_and_they_keep_it() -> None:
    label = Bounded(lambda name: name != "unknown", most=2)
    names = ["a", "unknown", "b", "c", "a"]
    assert [label(name) for name in names] == ["a", "other", "b", "other", "a"]


def test_a_tool_that_is_registered_later_gets_its_label_then() -> None:
    known = set[str]()
    label = Bounded(known.__contains__, most=1)
    assert label("late") == "other"
    known.add("late")
    assert label("late") == "late"


def test_a_value_outside_of_a_fixed_set_is_other() -> None:
    assert list(map(one_of(["stop"]), ["stop", "max_tokens"])) == ["stop", "other"]


def test_turns_wait_in_order_for_the_slots_of_the_engine() -> None:
    waits: list[float] = []
    waiting: list[int] = []
    slots = Slots(1, waits.append, waiting.append)
    slots.enter("a", 0.0)
    slots.enter("b", 1.0)
    slots.enter("c", 2.0)
    slots.leave("b", 3.0)  # given up while it waited
    slots.leave("a", 5.0)  # c is served
    slots.leave("c", 6.0)
    slots.enter("d", 7.0)
    assert waits == [0.0, 3.0, 0.0]
    assert waiting == [1, 2, 1, 0]


async def test_the_queue_before_an_engine_in_this_process_is_measured(
    watch: Watch, make_metrics: Callable[..., RunMetrics]
) -> None:
    made = make_metrics(slots={"intermediary": 1})
    await watch([made], ["Hi."])
    read = made.instruments.registry.get_sample_value
    of = {"role": "intermediary"}
    assert read("gateway_engine_slots", of) == 1
    assert read("gateway_turns_waiting", of) == 0
    assert read("gateway_queue_seconds_count", of) == 1


async def test_what_observers_see_is_what_the_app_gets(watch: Watch, metrics: RunMetrics) -> None:
    plain = await watch([], [ADD, "It is 5."], run_id="run_1")
    observed = await watch([metrics], [ADD, "It is 5."], run_id="run_1")
    assert [type(event) for event in plain] == [type(event) for event in observed]


async def test_an_endless_model_is_counted_to_its_last_turn(
    watch: Watch, metrics: RunMetrics, value: Value
) -> None:
    await watch([metrics], repeat(ADD))
    assert value("runs_in_flight") == 0
    assert value("incomplete_total", reason="no_expert") or value(
        "runs_total", role="gateway", stop="incomplete"
    )
