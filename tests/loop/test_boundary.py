"""The privacy boundary in a run: the expert reads placeholders, everybody else the truth."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from mistral_common.protocol.instruct.chunk import ImageURL, ImageURLChunk, TextChunk
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.agent.events import Escalated, RunFinished
from gateway.agent.loop import AgentLoop
from gateway.agent.run import Decided, Resumed, RunRequest
from gateway.agent.suspension import dumped, loaded
from gateway.transcript import to_chat
from policies.filters.known import KNOWN
from policies.loader import parse
from policies.policy import Policy
from policies.privacy.placeholders import FORM
from routing.backend import Turn
from routing.backends.scripted import Call, Item, Say, ScriptedBackend
from routing.router import Member, Price, Router
from tests.loop.conftest import Played, Stage
from tests.stage import spec
from tools.spec import ToolSpec

ALL = [each for kind in KNOWN.values() for each in kind]
MAIL, PHONE = "bob@example.com", "13812345678"
ASKED = f"请给 {MAIL} 写信，电话是 {PHONE}。"
HOT = {"type": "string", "x-sensitive": True}
SEND = spec("send", {"to": {"type": "string"}, "body": {"type": "string"}})
FIND = ToolSpec(
    "find_customer",
    "Find a customer.",
    {"type": "object", "properties": {"name": HOT}, "required": ["name"]},
    returns={"type": "object", "properties": {"name": HOT, "tier": {"type": "string"}}},
)


def words(turn: Turn) -> str:
    """All that a turn says, as its engine would be sent it."""
    tools = [tool.model_dump(mode="json") for tool in turn.tools]
    return json.dumps([to_chat(turn.messages), tools], ensure_ascii=False)


def placeholder(turn: Turn, kind: str) -> str:
    [found] = {each for each in FORM.findall(words(turn)) if f"_{kind}_" in each}
    return found


class Private(Stage):
    """A stage whose loop has the boundary."""

    def loop(
        self,
        script: Iterable[Item],
        expert: Iterable[Item] | None = None,
        policies: Policy | None = None,
        **router: Any,
    ) -> AgentLoop:
        self.intermediary = ScriptedBackend(script, name="small", model="small")
        self.expert = ScriptedBackend(expert or [], name="large", model="large")
        small, large = Member(self.intermediary, Price(0.1, 0.1)), Member(self.expert, Price(2, 6))
        return AgentLoop(Router(small, large, **router), self.registry, policies, private=ALL)


@pytest.fixture
def stage() -> Private:
    made = Private()
    made.registry.register(SEND, made.tools)
    made.registry.register(FIND, made.tools)
    return made


def send_to(kind: str, body: str = "Hi.") -> Callable[[Turn], Call]:
    """An expert who writes a placeholder where it means the value."""
    return lambda turn: Call("send", {"to": placeholder(turn, kind), "body": body})


async def play(stage: Stage, *script: Item, expert: Iterable[Item], **request: Any) -> Played:
    request.setdefault("messages", [UserMessage(content=ASKED)])
    return await stage.play(script, expert=expert, **request)


async def test_the_experts_call_is_run_with_the_values_and_it_never_saw_them(
    stage: Private,
) -> None:
    bad = Call("send", {"to": MAIL})
    played = await play(stage, bad, bad, f"发给了 {MAIL}。", expert=[send_to("EMAIL")])
    assert stage.tools.log == [("send", {"to": MAIL, "body": "Hi."})]
    assert played.text == f"发给了 {MAIL}。"
    [asked] = stage.expert.turns
    assert MAIL not in words(asked)
    assert PHONE not in words(asked)
    assert all(
        MAIL in words(turn) and not FORM.search(words(turn)) for turn in stage.intermediary.turns
    )
    assert "asked behind the privacy boundary: 2 hidden" in played.notes


async def test_results_in_between_are_hidden_and_values_keep_their_placeholder(
    stage: Private,
) -> None:
    async def look_up(call: Any) -> dict[str, Any]:
        del call
        return {"mail": MAIL, "other": "ann@example.com", "phone": int(PHONE)}

    stage.tools.act = {"get_weather": look_up}
    look = Call("get_weather", {"city": "Rome"})
    await play(stage, expert=[look, send_to("PHONE"), "Done."], escalation="always")
    first, second, third = stage.expert.turns
    assert (
        placeholder(first, "PHONE") == placeholder(second, "PHONE") == placeholder(third, "PHONE")
    )
    assert "ann@example.com" not in words(second)
    assert stage.tools.log[1] == ("send", {"to": PHONE, "body": "Hi."})


@pytest.mark.parametrize("piece", [1, 3, 7, 1000])
async def test_streamed_text_has_its_values_however_it_is_cut(stage: Private, piece: int) -> None:
    def answer(turn: Turn) -> Say:
        return Say(f"我会联系{placeholder(turn, 'EMAIL')}，谢谢 PRIV", piece=piece)

    played = await play(stage, expert=[answer], escalation="always")
    assert played.text == f"我会联系{MAIL}，谢谢 PRIV"


async def test_a_structured_answer_stays_json_whatever_the_value_holds(stage: Private) -> None:
    key = '-----BEGIN PRIVATE KEY-----\nab"c\\\n-----END PRIVATE KEY-----'
    form = {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]}

    def answer(turn: Turn) -> str:
        return json.dumps({"key": placeholder(turn, "PRIVATEKEY")})

    played = await play(
        stage,
        expert=[answer],
        escalation="always",
        messages=[UserMessage(content=f"Repeat {key}")],
        output_schema=form,
    )
    assert json.loads(played.text) == {"key": key}


async def test_a_placeholder_that_nobody_made_is_an_invalid_call_that_says_where(
    stage: Private,
) -> None:
    made_up = Call("send", {"to": "PRIVATE_EMAIL_BCDFGHJKLMNQ", "body": "Hi."})
    played = await play(stage, "Not sent.", expert=[made_up, "I could not."], escalation="always")
    [refused] = played.refused
    assert refused.invalid is not None
    assert (refused.invalid.problem, refused.invalid.path) == ("placeholder", "$.to")
    assert "stands for nothing" in refused.reason
    assert stage.tools.log == []
    assert "BCDFGHJKLMNQ" not in words(stage.expert.turns[1])  # else it would be one now


async def test_what_the_user_wrote_in_the_form_of_a_placeholder_comes_back_as_it_was(
    stage: Private,
) -> None:
    odd = "PRIVATE_EMAIL_BCDFGHJKLMNQ"
    await play(
        stage,
        expert=[send_to("TEXT"), "Done."],
        escalation="always",
        messages=[UserMessage(content=f"Send to {odd}.")],
    )
    assert odd not in words(stage.expert.turns[0])
    assert stage.tools.log == [("send", {"to": odd, "body": "Hi."})]


async def test_marked_fields_are_hidden_in_calls_and_results_and_from_then_on_everywhere(
    stage: Private,
) -> None:
    async def found(call: Any) -> dict[str, Any]:
        return {"name": call.arguments["name"], "tier": "gold", "mail": MAIL}

    stage.tools.act = {"find_customer": found}
    find = Call("find_customer", {"name": "张伟"})
    bad = Call("send", {})
    await play(
        stage, find, bad, bad, "Done.", expert=[send_to("FIELD")],
        messages=[UserMessage(content="给张伟写信，他是 gold 客户。")],
    )  # fmt: skip
    [asked] = stage.expert.turns
    assert "张伟" not in words(asked)
    assert "gold" in words(asked)
    assert stage.tools.log[1] == ("send", {"to": "张伟", "body": "Hi."})


async def test_a_result_whose_marked_fields_can_not_be_told_apart_is_hidden_whole(
    stage: Private,
) -> None:
    async def long(call: Any) -> dict[str, Any]:
        del call
        return {"name": "Zoe " * 8_000, "tier": "silver"}

    stage.tools.act = {"find_customer": long}
    find = Call("find_customer", {"name": "Zoe"})
    read = Call("read_result", {"handle": "r1"})
    await play(stage, expert=[find, read, "Done."], escalation="always")
    for turn in stage.expert.turns[1:]:
        results = [m.content for m in turn.messages if isinstance(m, ToolMessage)]
        assert all(isinstance(each, str) and FORM.fullmatch(each) for each in results)


async def test_every_place_of_a_turn_is_looked_at(stage: Private) -> None:
    """Instructions, parts, addresses of images, past calls, the app's tools, stops, the form."""
    past = ToolCall(id="abcdefghi", function=FunctionCall(name="send", arguments=f'["{MAIL}"]'))
    messages: list[ChatMessage] = [
        SystemMessage(content=f"You write for {MAIL}."),
        UserMessage(
            content=[
                TextChunk(text=f"To {MAIL}"),
                ImageURLChunk(image_url=ImageURL(url=f"https://x.example/?who={MAIL}")),
            ]
        ),
        AssistantMessage(content=None, tool_calls=[past]),
        ToolMessage(content=json.dumps({"to": MAIL}).replace("@", "\\u0040"), tool_call_id=past.id),
        UserMessage(content="Go on."),
    ]
    choice = {"type": "string", "enum": [MAIL, "nobody"], "description": f"Such as {MAIL}"}
    own = spec("pick", {"who": choice})

    def pick(turn: Turn) -> Call:
        return Call("pick", {"who": placeholder(turn, "EMAIL")})

    played = await play(
        stage, expert=[pick], escalation="always", messages=messages, client_tools=(own,),
    )  # fmt: skip
    [asked] = stage.expert.turns
    assert MAIL not in words(asked)
    assert "\\u0040" not in words(asked)
    assert "stands for" in str(asked.messages[0].content)
    assert played.outcome.client_calls[0].arguments == {"who": MAIL}


async def test_a_turn_without_anything_private_is_as_it_was(stage: Private) -> None:
    said = [UserMessage(content="What is new?")]
    await play(stage, expert=["Nothing."], escalation="always", messages=said)
    [asked] = stage.expert.turns
    assert list(asked.messages) == said
    assert asked.constrain


async def test_receipts_tell_placeholders(stage: Private) -> None:
    bad = Call("send", {"to": MAIL, "body": 5, "more": PHONE})
    played = await play(stage, bad, bad, "Done.", expert=[send_to("EMAIL")])
    [receipt] = [event.receipt for event in played.of(Escalated)]
    asked = placeholder(stage.expert.turns[0], "EMAIL")
    assert json.loads(receipt.decided[0].arguments)["to"] == asked
    assert MAIL not in repr(receipt)
    assert PHONE not in repr(receipt)


async def test_a_run_that_waits_is_kept_with_the_true_arguments_and_goes_on_elsewhere(
    stage: Private,
) -> None:
    rules = parse({"rules": [{"approval": {"effects": ["write"]}}]})
    asked = RunRequest(messages=(UserMessage(content=ASKED),), escalation="always")
    loop = stage.loop([], [send_to("EMAIL")], rules)
    events = [event async for event in loop.run(asked)]
    assert isinstance(events[-1], RunFinished)
    suspended = events[-1].outcome.suspended
    assert suspended is not None
    assert suspended.held[0].arguments == {"to": MAIL, "body": "Hi."}
    stored = json.dumps(dumped(suspended), ensure_ascii=False)
    before = placeholder(stage.expert.turns[0], "EMAIL")
    assert stored.count(before) == 1  # in the receipt

    other = stage.loop([], [lambda turn: f"Sent to {placeholder(turn, 'EMAIL')}."], rules)
    decided = Resumed(loaded(json.loads(stored)), {suspended.held[0].call_id: Decided("approve")})
    events = [event async for event in other.run(asked, decided)]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].outcome.text == f"Sent to {MAIL}."
    assert stage.tools.log == [("send", {"to": MAIL, "body": "Hi."})]
    after = stage.expert.turns[0]
    assert MAIL not in words(after)
    assert before not in words(after)


async def test_without_the_boundary_the_expert_reads_what_there_is() -> None:
    plain = Stage()
    await plain.play([], expert=["Hi."], escalation="always", messages=[UserMessage(content=ASKED)])
    assert MAIL in words(plain.expert.turns[0])
