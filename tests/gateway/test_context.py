"""Conversations that don't fit, over chat: the operator's way, the request's, and the receipts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.context.options import ContextOptions
from routing.errors import ContextTooLong

LONG = "x" * 40_000  # 10,004 tokens of the scripted model's 32,768
TURNS = [
    each
    for n in range(5)
    for each in (
        {"role": "user", "content": f"{n}?{LONG}"},
        {"role": "assistant", "content": f"{n}."},
    )
]
MESSAGES = [{"role": "system", "content": "Be brief."}, *TURNS, {"role": "user", "content": "So?"}]


def shown(gateway: Any) -> list[str]:
    return [str(each.content)[:2] for each in gateway.intermediary.turns[-1].messages]


async def test_an_operators_gateway_drops_and_says_what_it_dropped(serve: Any) -> None:
    gateway = await serve(["Well."], context=ContextOptions("drop"))
    answered = await gateway.chat(messages=MESSAGES)
    assert shown(gateway) == ["Be", "3?", "3.", "4?", "4.", "So"]
    receipt = answered.json()["gateway"]
    [told] = receipt["context"]
    assert (told["strategy"], told["dropped_messages"], told["kept_messages"]) == ("drop", 6, 6)
    assert told["dropped_tokens"] == 30_030
    trace = await gateway.run(receipt["run_id"])
    assert trace["context"] == [told]
    assert len(trace["request"]["messages"]) == 12


async def test_a_request_says_what_it_wishes(serve: Any) -> None:
    gateway = await serve(["They counted.", "Well.", "Well.", ContextTooLong("too long")])
    wish = {"strategy": "summarise", "keep_last_turns": 2}
    made = (await gateway.chat(messages=MESSAGES, gateway={"context": wish})).json()
    assert shown(gateway)[0] == "Be"
    assert "They counted." in str(gateway.intermediary.turns[-1].messages[1].content)
    assert made["gateway"]["context"][0]["summary"] == "They counted."
    assert made["usage"]["prompt_tokens"] == 200
    short = await gateway.chat("Hi", gateway={"context": {"strategy": "drop"}})
    assert "context" not in short.json()["gateway"]
    refused = await gateway.chat(messages=MESSAGES)
    assert (refused.status_code, refused.json()["error"]["code"]) == (
        400,
        "context_length_exceeded",
    )


async def test_a_stream_ends_with_the_same_receipt(serve: Any) -> None:
    gateway = await serve(["Well."], context=ContextOptions("drop"))
    answered = await gateway.chat(messages=MESSAGES, stream=True)
    chunks = [
        json.loads(line[6:]) for line in answered.text.splitlines() if line.startswith("data: {")
    ]
    [receipt] = [chunk["gateway"] for chunk in chunks if "gateway" in chunk]
    assert receipt["context"][0]["dropped_messages"] == 6


@pytest.mark.parametrize(
    ("wish", "param"),
    [
        ({"strategy": "forget"}, "gateway.context.strategy"),
        ({"keep_last_turns": 0}, "gateway.context.keep_last_turns"),
        ({"keep": 1}, "gateway.context.keep"),
        ("drop", "gateway.context"),
    ],
)
async def test_a_wish_that_nobody_knows_is_refused_with_its_place(
    serve: Any, wish: object, param: str
) -> None:
    gateway = await serve([])
    refused = await gateway.chat(gateway={"context": wish})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
