"""What the app did not see is put back in its place, and never into another conversation."""

from __future__ import annotations

from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.continuation import Continuations
from tools.spec import ToolSpec, ValidCall

ASKED = (UserMessage(content="Add, and the weather."),)
WEATHER = ToolSpec("get_weather", "", {"type": "object"})
HANDED = (ValidCall("weather01", WEATHER, {"city": "Lyon", "days": 1}),)


def made(call_id: str, name: str, arguments: str = "{}") -> ToolCall:
    return ToolCall(id=call_id, function=FunctionCall(name=name, arguments=arguments))


SEEN = AssistantMessage(tool_calls=[made("weather01", "get_weather", '{"city":"Lyon","days":1}')])
SUNNY = ToolMessage(content="sunny", tool_call_id="weather01")
HIDDEN: tuple[ChatMessage, ...] = (
    AssistantMessage(
        tool_calls=[made("addition1", "add"), made("weather01", "get_weather", '{"city": "Lyon"}')]
    ),
    ToolMessage(content="3", tool_call_id="addition1"),
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def kept(**bounds: float) -> Continuations:
    continuations = Continuations(**bounds)  # type: ignore[arg-type]
    continuations.remember("default", ASKED, HANDED, HIDDEN)
    return continuations


def test_the_hidden_exchange_takes_the_place_of_the_apps_copy() -> None:
    assert kept().restore("default", (*ASKED, SEEN, SUNNY)) == (*ASKED, *HIDDEN, SUNNY)


def test_it_is_put_back_in_every_later_request_of_the_conversation() -> None:
    continuations = kept()
    later = (
        *ASKED,
        SEEN,
        SUNNY,
        AssistantMessage(content="Three."),
        UserMessage(content="Thanks."),
    )
    for _ in range(2):
        assert continuations.restore("default", later)[1:3] == HIDDEN


def test_arguments_in_another_order_and_spacing_are_the_same_call() -> None:
    seen = AssistantMessage(
        tool_calls=[made("weather01", "get_weather", '{ "days": 1, "city": "Lyon" }')]
    )
    assert kept().restore("default", (*ASKED, seen, SUNNY)) == (*ASKED, *HIDDEN, SUNNY)


def test_another_conversation_with_the_same_id_gets_nothing() -> None:
    other = UserMessage(content="What is the weather?")
    changed = AssistantMessage(tool_calls=[made("weather01", "get_weather", '{"city":"Nice"}')])
    fewer = AssistantMessage(
        tool_calls=[*(SEEN.tool_calls or ()), made("weather02", "get_weather")]
    )
    for messages in ((other, SEEN, SUNNY), (*ASKED, changed, SUNNY), (*ASKED, fewer, SUNNY)):
        assert kept().restore("default", messages) == messages


def test_another_tenant_gets_nothing() -> None:
    messages = (*ASKED, SEEN, SUNNY)
    assert kept().restore("other", messages) == messages


def test_only_so_many_are_kept_and_the_oldest_go_first() -> None:
    continuations = Continuations(max_kept=2)
    for number in range(3):
        asked = (UserMessage(content=str(number)),)
        continuations.remember("default", asked, HANDED, HIDDEN)
    assert len(continuations) == 2
    first = (UserMessage(content="0"), SEEN, SUNNY)
    assert continuations.restore("default", first) == first


def test_they_are_forgotten_after_a_while() -> None:
    clock = Clock()
    continuations = Continuations(max_age_s=60, now=clock)
    continuations.remember("default", ASKED, HANDED, HIDDEN)
    clock.now = 61.0
    messages = (*ASKED, SEEN, SUNNY)
    assert continuations.restore("default", messages) == messages
    assert len(continuations) == 0


def test_only_so_much_text_is_kept_and_the_oldest_goes_first() -> None:
    continuations = Continuations(max_characters=1000)
    long = (*HIDDEN, ToolMessage(content="x" * 300, tool_call_id="addition1"))
    for number in range(10):
        for _ in range(2):  # what is remembered again counts once
            asked = (UserMessage(content=str(number)),)
            continuations.remember("default", asked, HANDED, long)
    assert len(continuations) == 3
    last = (UserMessage(content="9"), SEEN, SUNNY)
    assert continuations.restore("default", last)[1:-1] == long
