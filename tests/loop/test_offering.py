"""Which tools a run is offered where there are many, and how the model asks for more."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.agent.events import Observation
from gateway.agent.loop import AgentLoop, RequestDenied
from gateway.agent.offering import FIND_TOOLS, OfferOptions
from gateway.agent.run import Decided, Resumed, RunRequest
from gateway.agent.suspension import dumped, loaded
from policies.decision import ALLOW, Allow, Deny
from policies.policy import Policies, Policy, Subject
from policies.rules.access import ToolAccess
from policies.rules.approval import Approval
from policies.rules.rate import RateLimit
from routing.backend import NamedTool
from routing.backends.scripted import Call
from tests.stage import spec
from tools.retrieval.nearness import Nearness

TOPICS = "parcel invoice garden planet piano river castle engine".split()


@pytest.fixture
def crowd(stage: Any) -> Any:
    """The stage's four tools and 160 more, twenty about each topic."""
    for topic in TOPICS:
        for i in range(20):
            stage.registry.register(spec(f"{topic}_{i}", {}, read_only=True), stage.tools)
    return stage


def offered(stage: Any, turn: int = 0) -> list[str]:
    return [tool.function.name for tool in stage.intermediary.turns[turn].tools]


def asks(text: str) -> dict[str, Any]:
    return {"messages": (UserMessage(content=text),)}


async def test_few_tools_are_all_offered_and_there_is_nothing_to_find(stage: Any) -> None:
    await stage.play(["Hi."], **asks("hello"))
    assert offered(stage) == ["get_weather", "add", "book", "wipe"]


async def test_of_many_the_ones_that_fit_are_offered_in_the_order_of_registration(
    crowd: Any,
) -> None:
    played = await crowd.play(["Hi."], **asks("Tune the piano, and what is the weather?"))
    expected = ["get_weather", *(f"piano_{i}" for i in range(19)), FIND_TOOLS]
    assert offered(crowd) == expected
    assert list(played.events[0].offered) == expected


class Keys:
    """An embedding model that knows what a piano has."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [[1.0, 0.1] if "piano" in text or "keys" in text else [0.1, 1.0] for text in texts]


async def test_with_embeddings_tools_are_offered_and_found_by_their_meaning(crowd: Any) -> None:
    pianos = [f"piano_{i}" for i in range(20)]
    nearness = crowd.registry.index.nearness = Nearness(Keys())
    await nearness.know(crowd.registry.snapshot().specs)
    await crowd.play(["Hi."], **asks("Something with many keys!"))
    assert offered(crowd) == [*pianos, FIND_TOOLS]
    search = [Call(FIND_TOOLS, {"query": "an instrument with keys"}), "Found."]
    await crowd.play(search, **asks("Something for my office!"))
    assert set(pianos[:8]) <= set(offered(crowd, 1))


async def test_a_request_that_no_tool_fits_is_offered_the_search_alone(crowd: Any) -> None:
    await crowd.play(["Hi."], **asks("hello"))
    assert offered(crowd) == [FIND_TOOLS]


async def test_found_tools_can_be_called_in_the_next_turn(crowd: Any) -> None:
    script = [
        Call(FIND_TOOLS, {"query": "weather"}),
        Call("get_weather", {"city": "Rome"}),
        "Fine.",
    ]
    played = await crowd.play(script, **asks("hello"))
    found = json.loads(played.results[0].content)
    assert found["tools"] == [{"name": "get_weather", "description": "The tool get_weather."}]
    assert offered(crowd, 1) == [FIND_TOOLS, "get_weather"]
    assert crowd.tools.log == [("get_weather", {"city": "Rome"})]
    assert played.text == "Fine."


async def test_a_search_that_finds_nothing_says_so(crowd: Any) -> None:
    played = await crowd.play([Call(FIND_TOOLS, {"query": "zeppelin"}), "No."], **asks("hello"))
    result = json.loads(played.results[0].content)
    assert result["tools"] == []
    assert "other words" in result["note"]


async def test_a_tool_that_was_not_offered_is_not_run(crowd: Any) -> None:
    played = await crowd.play([Call("book", {"city": "Rome"}), "No."], **asks("hello"))
    assert played.results[0].is_error
    assert crowd.tools.log == []


async def test_what_the_caller_may_not_use_is_neither_offered_nor_found(crowd: Any) -> None:
    script = [Call(FIND_TOOLS, {"query": "piano castle"}), "Hm."]
    rule = ToolAccess(deny=["piano_*"])
    played = await crowd.play(script, policies=rule, **asks("Tune the piano in the castle."))
    assert offered(crowd) == [*(f"castle_{i}" for i in range(20)), FIND_TOOLS]
    assert "piano" not in played.results[0].content


async def test_few_permitted_ones_among_many_are_all_offered(crowd: Any) -> None:
    rule = ToolAccess(allow=["piano_1*"])
    await crowd.play(["Hi."], policies=rule, **asks("hello"))
    assert offered(crowd) == ["piano_1", *(f"piano_{i}" for i in range(10, 20))]


async def test_a_search_that_the_caller_may_not_use_is_not_offered(crowd: Any) -> None:
    await crowd.play(["Hi."], policies=ToolAccess(deny=[FIND_TOOLS]), **asks("weather"))
    assert offered(crowd) == ["get_weather"]


async def test_tools_that_the_request_names_are_all_offered(crowd: Any) -> None:
    names = tuple(f"{topic}_{i}" for topic in TOPICS for i in range(10))
    await crowd.play(["Hi."], tool_globs=names, **asks("hello"))
    assert sorted(offered(crowd)) == sorted(names)


async def test_globs_bound_what_is_chosen_and_names_among_them_stay(crowd: Any) -> None:
    globs = ("p*", "*_2", "*_3", "*_4", "wipe")
    await crowd.play(["Hi."], tool_globs=globs, **asks("Which castle has weather?"))
    assert offered(crowd) == ["wipe", "castle_2", "castle_3", "castle_4", FIND_TOOLS]


async def test_a_forced_tool_is_offered_whatever_was_said(crowd: Any) -> None:
    await crowd.play([Call("wipe"), "Done."], tool_choice=NamedTool("wipe"), **asks("hello"))
    assert offered(crowd) == ["wipe", FIND_TOOLS]


async def test_pinned_tools_stay_beyond_the_number_that_is_chosen(crowd: Any) -> None:
    loop = crowd.loop(["Hi."])
    options = OfferOptions(above=10, most=2, pinned=("wipe", "not_registered"))
    loop = AgentLoop(loop._router, crowd.registry, offers=options)
    async for _ in loop.run(RunRequest(**asks("piano"))):
        pass
    assert offered(crowd) == ["wipe", "piano_0", "piano_1", FIND_TOOLS]


async def test_what_was_called_or_found_before_in_the_conversation_is_still_there(
    crowd: Any,
) -> None:
    call = ToolCall(id="abcdefghi", function=FunctionCall(name="add", arguments='{"a":1,"b":2}'))
    search = ToolCall(id="abcdefghj", function=FunctionCall(name=FIND_TOOLS, arguments="{}"))
    found = json.dumps({"tools": [{"name": "river_3"}, {"name": ["odd"]}], "note": ""})
    messages = (
        UserMessage(content="A sum?"),
        AssistantMessage(tool_calls=[call, search]),
        ToolMessage(content="3", tool_call_id="abcdefghi", name="add"),
        ToolMessage(content=found, tool_call_id="abcdefghj", name=FIND_TOOLS),
        AssistantMessage(content="3"),
        UserMessage(content="And another one on top."),
    )
    await crowd.play(["Four."], messages=messages)
    assert offered(crowd) == ["add", "river_3", FIND_TOOLS]


async def test_what_the_user_said_earlier_counts_a_little(crowd: Any) -> None:
    messages = (
        UserMessage(content="What is the weather in Rome?"),
        AssistantMessage(content="Clear."),
        UserMessage(content="And in Oslo?"),
    )
    await crowd.play(["Clear."], messages=messages)
    assert offered(crowd) == ["get_weather", FIND_TOOLS]


async def test_an_apps_own_search_and_tools_hide_those_of_the_registry(crowd: Any) -> None:
    own = (spec(FIND_TOOLS, {}), spec("Get-Weather", {}))
    asked = asks("weather in the piano")
    await crowd.play(["Hi."], client_tools=own, tool_globs=("*",), **asked)
    assert offered(crowd) == [*(f"piano_{i}" for i in range(20)), FIND_TOOLS, "Get-Weather"]


async def test_a_run_that_waited_for_a_person_goes_on_with_what_it_had_found(crowd: Any) -> None:
    script = [Call(FIND_TOOLS, {"query": "wipe"}), Call("wipe"), "Wiped."]
    rule = Approval(tools=["wipe"])
    played = await crowd.play(script[:2], policies=rule, **asks("hello"))
    suspended = played.outcome.suspended
    decisions = {held.call_id: Decided("approve") for held in suspended.held}
    loop = crowd.loop(script[2:], policies=rule)
    request = replace(suspended.request)
    async for _ in loop.run(request, Resumed(suspended, decisions)):
        pass
    assert crowd.tools.log == [("wipe", {})]
    assert offered(crowd) == [FIND_TOOLS, "wipe"]


async def test_all_that_was_found_is_still_offered_in_its_order_however_often_the_run_waits(
    crowd: Any,
) -> None:
    """Found, and never called; through the form in which a run is kept, twice."""
    rule = Approval(tools=["wipe"])
    script = [Call(FIND_TOOLS, {"query": "wipe"}), Call(FIND_TOOLS, {"query": "piano river"})]
    first = await crowd.play([*script, Call("wipe")], policies=rule, **asks("hello"))
    before = offered(crowd, 2)
    assert sum(name.startswith(("piano", "river")) for name in before) == 8
    suspended = first.outcome.suspended
    for more in ([Call("wipe")], ["Wiped."]):
        kept = loaded(json.loads(json.dumps(dumped(suspended))))
        decisions = {held.call_id: Decided("approve") for held in kept.held}
        loop = crowd.loop(more, policies=rule)
        events = [event async for event in loop.run(kept.request, Resumed(kept, decisions))]
        assert offered(crowd) == before
        suspended = events[-1].outcome.suspended


def leave_few(crowd: Any) -> None:
    """Most tools are taken away, as they are where a gateway starts anew with fewer of them."""
    for topic in TOPICS:
        for i in range(20):
            crowd.registry.remove(f"{topic}_{i}")


async def test_a_run_that_waited_may_go_on_searching_though_few_tools_are_left(crowd: Any) -> None:
    rule = Approval(tools=["wipe"])
    script = [Call(FIND_TOOLS, {"query": "wipe"}), Call("wipe")]
    first = await crowd.play(script, policies=rule, **asks("hello"))
    leave_few(crowd)
    kept = loaded(json.loads(json.dumps(dumped(first.outcome.suspended))))
    decisions = {held.call_id: Decided("approve") for held in kept.held}
    more = [Call(FIND_TOOLS, {"query": "weather"}), Call("get_weather", {"city": "Rome"}), "Clear."]
    loop = crowd.loop(more, policies=rule)
    async for _ in loop.run(kept.request, Resumed(kept, decisions)):
        pass
    assert offered(crowd) == ["wipe", FIND_TOOLS]
    assert offered(crowd, 1) == ["wipe", FIND_TOOLS, "get_weather"]
    assert crowd.tools.log == [("wipe", {}), ("get_weather", {"city": "Rome"})]


class Notebook:
    """What a durable run wrote down, for the process that takes it over."""

    def __init__(self) -> None:
        self.steps_: dict[tuple[int, str], dict[str, Any]] = {}

    async def steps(self, tenant: str, run_id: str) -> dict[tuple[int, str], dict[str, Any]]:
        return dict(self.steps_)

    async def record(
        self,
        tenant: str,
        run_id: str,
        at: tuple[int, str],
        value: Mapping[str, Any],
        *,
        once: bool = False,
    ) -> None:
        assert not (once and at in self.steps_)
        self.steps_[at] = json.loads(json.dumps(value))


async def test_a_run_that_another_process_takes_over_may_go_on_searching(crowd: Any) -> None:
    notebook: Any = Notebook()
    request = RunRequest(durable=True, **asks("hello"))

    async def taken_over(script: Sequence[Any], leave_after: int | None) -> list[Any]:
        loop = AgentLoop(crowd.loop(script)._router, crowd.registry, durable=notebook)
        found: list[Any] = []
        async with aclosing(loop.run(request)) as events:
            async for event in events:
                found += [event] if isinstance(event, Observation) else []
                if len(found) == leave_after:
                    break
        return found

    await taken_over([Call(FIND_TOOLS, {"query": "weather"})], leave_after=1)
    leave_few(crowd)
    more = [Call(FIND_TOOLS, {"query": "add"}), "Clear."]
    first, second = await taken_over(more, leave_after=None)
    assert [tool["name"] for tool in json.loads(first.result.content)["tools"]] == ["get_weather"]
    assert [tool["name"] for tool in json.loads(second.result.content)["tools"]] == ["add"]
    assert offered(crowd) == ["get_weather", "add", "book", "wipe", FIND_TOOLS]


async def test_a_run_that_could_not_search_can_not_when_it_goes_on(stage: Any) -> None:
    rule = Approval(tools=["wipe"])
    first = await stage.play([Call("wipe")], policies=rule, **asks("hello"))
    kept = loaded(json.loads(json.dumps(dumped(first.outcome.suspended))))
    decisions = {held.call_id: Decided("approve") for held in kept.held}
    async for _ in stage.loop(["Wiped."], policies=rule).run(
        kept.request, Resumed(kept, decisions)
    ):
        pass
    assert FIND_TOOLS not in offered(stage)


class Secretive(Policy):
    """Takes names out of what is read, and lets nobody ask about the castle."""

    def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
        castle = any("castle" in str(message.content) for message in messages)
        return Deny("not the castle", "secrets") if castle else ALLOW

    def on_messages(
        self, subject: Subject, messages: Sequence[ChatMessage]
    ) -> Sequence[ChatMessage]:
        return [UserMessage(content=str(m.content).replace("Ann", "[name]")) for m in messages]


class Ears(Keys):
    """Remembers what it was sent."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.heard += texts
        return await super().embed(texts)


@pytest.fixture
async def ears(crowd: Any) -> Ears:
    made = Ears()
    crowd.registry.index.nearness = Nearness(made)
    await crowd.registry.index.nearness.know(crowd.registry.snapshot().specs)
    made.heard.clear()
    return made


async def test_what_a_rule_takes_out_of_a_request_never_reaches_the_embedding_model(
    crowd: Any, ears: Ears
) -> None:
    text = "Something with many keys for Ann"
    await crowd.play(["Hi."], policies=Secretive(), **asks(text))
    assert ears.heard == ["Something with many keys for [name]"]
    assert offered(crowd) == [*(f"piano_{i}" for i in range(20)), FIND_TOOLS]


async def test_what_is_refused_or_above_a_rate_is_not_sent_to_the_embedding_model(
    crowd: Any, ears: Ears
) -> None:
    with pytest.raises(RequestDenied):
        await crowd.play([], policies=Secretive(), **asks("The castle has many keys"))
    limited = Policies([RateLimit(requests=1)])
    await crowd.play(["Hi."], policies=limited, **asks("What is a sum?"))
    heard = list(ears.heard)
    with pytest.raises(RequestDenied):
        await crowd.play([], policies=limited, **asks("Something with many keys"))
    assert ears.heard == heard
