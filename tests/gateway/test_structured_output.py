"""Structured answers on the chat wire: streamed and whole are the same, and never anything but JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from routing.backends.scripted import Say

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
LYON = '{"city": "Lyon", "people": 522250}'
PROSE = "I can't help with that."


class City(BaseModel):
    city: str
    people: int


def chunks(body: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in body.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


async def both(serve: Any, script: list[Any], **body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The choice of an answer that came whole, and that of one put together from its stream."""
    gateway = await serve(script)
    whole = (await gateway.chat(response_format=FORMAT, **body)).json()
    gateway = await serve(script)
    streamed = chunks((await gateway.chat(response_format=FORMAT, stream=True, **body)).text)
    deltas = [chunk["choices"][0]["delta"] for chunk in streamed]
    message: dict[str, Any] = {"role": "assistant"}
    for key in ("content", "refusal"):
        pieces = [delta[key] for delta in deltas if delta.get(key)]
        message[key] = "".join(pieces) or None
    last = streamed[-1]
    rebuilt = {"message": message, "finish_reason": last["choices"][0]["finish_reason"]}
    rebuilt["incomplete"] = last["gateway"].get("incomplete_details")
    [choice] = whole["choices"]
    given = {key: choice[key] for key in ("message", "finish_reason")}
    given["incomplete"] = whole["gateway"].get("incomplete_details")
    return given, rebuilt


@pytest.mark.parametrize(
    "script",
    [
        [LYON],
        [Say(f"```json\n{LYON}\n```", piece=3)],
        [Say(PROSE, piece=3), LYON],
        ['{"city": "Lyon", "people": "522250"}'],
    ],
)
async def test_only_what_validated_is_shown_streamed_or_not(serve: Any, script: list[Any]) -> None:
    whole, streamed = await both(serve, script)
    assert whole == streamed
    assert json.loads(whole["message"]["content"]) == json.loads(LYON)
    assert (whole["finish_reason"], whole["incomplete"]) == ("stop", None)


async def test_what_could_not_be_given_is_a_refusal_and_no_content(serve: Any) -> None:
    whole, streamed = await both(serve, [PROSE, PROSE, PROSE])
    assert whole == streamed
    assert whole["message"]["content"] is None
    assert whole["message"]["refusal"].startswith("I could not give an answer in the form")
    assert whole["incomplete"]["reason"] == "invalid_output"


async def test_an_answer_cut_by_its_length_says_so(serve: Any) -> None:
    whole, streamed = await both(serve, [Say('{"city": "Ly', finish_reason="length")])
    assert whole == streamed
    assert (whole["message"]["content"], whole["finish_reason"]) == ('{"city": "Ly', "length")


async def test_an_object_of_any_kind_is_what_json_object_means(serve: Any) -> None:
    gateway = await serve(["[1]", '{"any": 1}'])
    answer = (await gateway.chat(response_format={"type": "json_object"})).json()
    assert answer["choices"][0]["message"]["content"] == '{"any": 1}'


async def test_the_openai_client_parses_what_was_mended(serve: Any) -> None:
    gateway = await serve([f"Here: {LYON}", PROSE, PROSE, PROSE])
    parse = gateway.openai.chat.completions.parse
    messages: Any = [{"role": "user", "content": "Lyon?"}]
    answer = await parse(model="gateway", messages=messages, response_format=City)
    assert answer.choices[0].message.parsed == City(city="Lyon", people=522250)
    answer = await parse(model="gateway", messages=messages, response_format=City)
    assert answer.choices[0].message.parsed is None
    assert answer.choices[0].message.refusal


async def test_the_trace_tells_each_attempt_and_each_repair(serve: Any) -> None:
    gateway = await serve([PROSE, f"Here: {LYON}"])
    await gateway.chat(response_format=FORMAT)
    run = await gateway.run(await gateway.newest_run())
    assert [step["text"] for step in run["steps"]] == [PROSE, f"Here: {LYON}"]
    assert run["answer"] == LYON
    assert "not the form" in run["steps"][0]["notes"][0]
    assert "dropped" in run["steps"][1]["notes"][0]
