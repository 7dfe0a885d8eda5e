"""A past that does not fit: how far it is read, what is cut, and windows that a model makes shorter.

The scripted models count four bytes a token in a window of 32,768, of which 1,024 are the answer's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import openresponses_types as open_responses
import pytest
from mistral_common.protocol.instruct.messages import ChatMessage
from openai.types.responses import CompactedResponse

from gateway.context.options import ContextOptions
from gateway.context.summary import SUMMARY_HEAD
from policies.decision import Allow, Deny
from policies.policy import Policy, Subject
from routing.backend import Usage
from routing.backends.scripted import Call, Say
from routing.errors import BackendUnavailable, ContextTooLong

LONG = "".join(f"{n:04x} " for n in range(14_000))  # 17,504 tokens as a message
OLD: list[dict[str, Any]] = [
    each
    for number in range(6)
    for each in (
        {"role": "user", "content": f"{number}?"},
        {"role": "assistant", "content": f"{number}."},
    )
]


async def create(served: Any, **body: Any) -> dict[str, Any]:
    answered = await served.http.post("/v1/responses", json={"input": "Go.", **body})
    assert answered.status_code == 200, answered.text
    return answered.json()


async def compacted(served: Any, **body: Any) -> dict[str, Any]:
    short = await served.http.post("/v1/responses/compact", json={"model": "gateway", **body})
    assert short.status_code == 200, short.text
    CompactedResponse.model_validate_json(short.content, strict=True)
    open_responses.CompactResource.model_validate_json(short.content, strict=True)
    return short.json()


def asked(gateway: Any) -> list[str]:
    """What the model was asked last, as texts."""
    return [str(message.content) for message in gateway.intermediary.turns[-1].messages]


async def test_the_past_is_cut_to_the_token_when_asked_for(serve: Any) -> None:
    gateway = await serve([Call("add", {"a": 1, "b": 2}), LONG, "One.", "Two.", "Three."])
    first = await create(gateway, input="Zero.")
    second = await create(gateway, input="One?", previous_response_id=first["id"])
    third = await create(gateway, input=LONG, previous_response_id=second["id"], truncation="auto")
    assert asked(gateway) == ["One?", "One.", LONG]
    [receipt] = third["gateway"]["context"]
    assert (receipt["strategy"], receipt["dropped_messages"]) == ("drop", 4)
    await create(gateway, input="All?", previous_response_id=second["id"])
    assert asked(gateway)[0] == "Zero."


async def test_a_past_is_read_no_further_than_the_window_goes(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = await serve(["Well."] * 10)
    previous, read = None, list[str]()
    for number in range(9):
        more = {} if previous is None else {"previous_response_id": previous}
        made = await create(gateway, input=f"{number}{LONG[:30_000]}", **more)
        previous = made["id"]
    history = gateway.services.responses.history

    async def noted(tenant: str, response_id: str) -> Any:
        async for item in history(tenant, response_id):
            read.append(item["id"])
            yield item

    monkeypatch.setattr(gateway.services.responses, "history", noted)
    last = await create(gateway, previous_response_id=previous, truncation="auto")
    assert len(read) <= 11  # five turns of 7,500 tokens, and one item to know that there are more
    assert last["gateway"]["truncated"] == {"kept_items": 10}
    assert [text[0] for text in asked(gateway)] == ["6", "W", "7", "W", "8", "W", "G"]


@pytest.mark.parametrize(
    ("operator", "body", "fits"),
    [
        ("drop", {}, True),
        ("drop", {"truncation": "disabled"}, False),
        ("refuse", {"truncation": "auto"}, True),
        ("refuse", {"gateway": {"context": {"strategy": "drop"}}}, True),
        ("drop", {"truncation": "auto", "gateway": {"context": {"strategy": "refuse"}}}, False),
    ],
)
async def test_who_decides_whether_the_past_is_cut(
    serve: Any, operator: Any, body: dict[str, Any], fits: bool
) -> None:
    options = ContextOptions(operator)
    last = "Three." if fits else ContextTooLong("too long")
    gateway = await serve([LONG, "Two.", last], context=options)
    first = await create(gateway, input="One?")
    second = await create(gateway, input="Two?", previous_response_id=first["id"])
    answered = await gateway.http.post(
        "/v1/responses", json={"input": LONG, "previous_response_id": second["id"], **body}
    )
    assert answered.status_code == (200 if fits else 400), answered.text
    assert (asked(gateway)[0] == "Two?") is fits


async def test_a_summary_stands_for_the_past_that_does_not_fit(serve: Any) -> None:
    gateway = await serve([LONG, "Two.", "They said words.", "Three."])
    first = await create(gateway, input="One?")
    second = await create(gateway, input="Two?", previous_response_id=first["id"])
    wish = {"context": {"strategy": "summarise"}}
    third = await create(gateway, input=LONG, previous_response_id=second["id"], gateway=wish)
    assert asked(gateway) == [f"{SUMMARY_HEAD}\nThey said words.", "Two?", "Two.", LONG]
    assert third["gateway"]["context"][0]["summary"] == "They said words."
    assert third["usage"]["input_tokens"] == 200


async def test_a_compacted_window_holds_a_summary_and_is_gone_on_from(serve: Any) -> None:
    said = Say("They counted.", usage=Usage(70, 7))
    gateway = await serve(["One.", said, "Well.", "Hi."])
    first = await create(gateway, input="Zero?", instructions="Add.")
    short = await compacted(gateway, previous_response_id=first["id"], input=OLD)
    assert short["usage"]["total_tokens"] == 77
    turn = gateway.intermediary.turns[-1]
    assert [part in str(turn.messages[-1].content) for part in ("Zero?", "1.", "2?")] == [
        True,
        True,
        False,
    ]
    window = short["output"]
    await create(gateway, input=[*window, {"role": "user", "content": "So?"}])
    kept = [each["content"] for each in OLD[4:]]
    assert asked(gateway) == [f"{SUMMARY_HEAD}\nThey counted.", *kept, "So?"]
    again = await compacted(gateway, input=window)
    assert again["output"][0]["type"] == "compaction"


async def test_a_call_stays_with_its_output_and_instructions_stay_in_a_compacted_window(
    serve: Any,
) -> None:
    called = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Add."},
        {"type": "function_call", "call_id": "c", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "3"},
    ]
    gateway = await serve(["Added, then counted.", "Well."])
    short = await compacted(gateway, input=[*called, *OLD[:8]])
    text = str(gateway.intermediary.turns[-1].messages[-1].content)
    assert "add({})" in text
    assert "Be brief." not in text
    await create(gateway, input=[*short["output"], {"role": "user", "content": "So?"}])
    assert asked(gateway)[:2] == ["Be brief.", f"{SUMMARY_HEAD}\nAdded, then counted."]


async def test_fewer_turns_stay_where_they_are_long(serve: Any) -> None:
    gateway = await serve(["They said words.", "Well."])
    turns = [{"role": "user", "content": f"{n}?{LONG[:30_000]}"} for n in range(3)]
    short = await compacted(gateway, input=turns)
    await create(gateway, input=short["output"])
    assert [text[:2] for text in asked(gateway)] == ["Su", "1?", "2?"]


@pytest.mark.parametrize(("failing", "spent"), [(BackendUnavailable("gone"), 0), (" ", 110)])
async def test_without_a_summary_a_compacted_window_says_what_was_left_out(
    serve: Any, failing: object, spent: int
) -> None:
    gateway = await serve([failing, "Well."])
    short = await compacted(gateway, input=OLD)
    await create(gateway, input=[*short["output"], {"role": "user", "content": "So?"}])
    assert asked(gateway)[0] == "2 earlier turns were left out here."
    assert short["usage"]["total_tokens"] == spent


async def test_what_is_short_already_is_left_alone(serve: Any) -> None:
    gateway = await serve(["Well."])
    short = await compacted(gateway, input=OLD[:8])
    await create(gateway, input=[*short["output"], {"role": "user", "content": "So?"}])
    assert asked(gateway) == [*(each["content"] for each in OLD[:8]), "So?"]


async def test_a_compaction_is_a_run_like_any_other_and_no_rule_is_passed_by(serve: Any) -> None:
    class Closed(Policy):
        def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
            told = " ".join(str(message.content) for message in messages)
            return Deny("not this", "closed") if "1?" in told else Allow()

    gateway = await serve(["They counted."], policies=Closed())
    refused = await gateway.http.post("/v1/responses/compact", json={"model": None, "input": OLD})
    assert refused.status_code == 403
    assert gateway.intermediary.turns == []
    other = [{"role": "user", "content": f"{letter}?"} for letter in "abcdef"]
    await compacted(gateway, input=other)
    trace = await gateway.run(await gateway.newest_run())
    assert trace["answer"] == "They counted."
    assert gateway.intermediary.turns[0].tools == ()
