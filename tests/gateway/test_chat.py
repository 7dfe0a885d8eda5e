"""`POST /v1/chat/completions`: the same answer streaming and not, and every parameter's way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policies.policy import Policy
from routing.backend import NamedTool
from routing.backends.scripted import Call, Say
from routing.errors import BackendProtocolError, BackendUnavailable

CITY: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": CITY},
}


def events(body: str) -> list[Any]:
    """The data of a stream's events; its last has to be [DONE] or an error."""
    lines = [line.removeprefix("data: ") for line in body.split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def assembled(body: str) -> dict[str, Any]:
    """The answer that a client puts together from a stream, in the form of the whole one."""
    *chunks, done = events(body)
    assert done == "[DONE]"
    content, calls, reason = "", [], None
    for chunk in chunks:
        assert chunk["object"] == "chat.completion.chunk"
        for choice in chunk["choices"]:
            content += choice["delta"].get("content") or ""
            for call in choice["delta"].get("tool_calls", ()):
                assert call.pop("index") == len(calls)
                calls.append(call)
            reason = choice["finish_reason"] or reason
    message = {"role": chunks[0]["choices"][0]["delta"]["role"], "content": content or None}
    return {
        "message": message | ({"tool_calls": calls} if calls else {}),
        "finish_reason": reason,
        "gateway": chunks[-1]["gateway"],
    }


def whole(body: dict[str, Any]) -> dict[str, Any]:
    [choice] = body["choices"]
    message = {k: v for k, v in choice["message"].items() if k != "refusal"}
    message["content"] = message["content"] or None
    return {
        "message": message,
        "finish_reason": choice["finish_reason"],
        "gateway": body["gateway"],
    }


class Shouts(Policy):
    """Rewrites the answer, which therefore can't be streamed before it is whole."""

    rewrites_response = True

    def on_response(self, subject: Any, text: str) -> str:
        return text.upper()


SCRIPTS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "a text": (["Hello."], {}),
    "no text": (["", "", "", ""], {}),
    "text in Chinese": (["今天天气很好，\u2028适合出门。"], {}),
    "a tool, then an answer": ([Call("add", {"a": 1, "b": 2}), "Three."], {}),
    "words before a tool": ([Say("Let me add.", [Call("add", {"a": 1, "b": 2})]), "Three."], {}),
    "a tool that fails": ([Call("add", {"a": 13, "b": 2}), "Bad luck."], {}),
    "an invalid call": ([Call("add", {"a": "x"}), Call("add", {"a": 1, "b": 2}), "Three."], {}),
    "an unknown tool": ([Call("ad", {}), "I can't."], {}),
    "a client's tool": ([Call("get_weather", {"city": "Lyon"})], {"tools": [WEATHER]}),
    "two of the client's": (
        [[Call("get_weather", {"city": "Lyon"}), Call("get_weather", {"city": "Nice"})]],
        {"tools": [WEATHER]},
    ),
    "both kinds": (
        [
            Say(
                "One moment.",
                [Call("add", {"a": 1, "b": 2}), Call("get_weather", {"city": "Lyon"})],
            )
        ],
        {"tools": [WEATHER], "gateway": {"tools": ["*"]}},
    ),
    "cut by length": ([Say("Once upon a", finish_reason="length")], {"max_tokens": 3}),
    "one step": (
        [Call("add", {"a": 1, "b": 2}), Call("add", {"a": 1, "b": 2}), "Three."],
        {"gateway": {"max_steps": 1}},
    ),
}


@pytest.mark.parametrize("case", SCRIPTS)
@pytest.mark.parametrize("policies", [None, Shouts()], ids=["as it is", "rewritten"])
async def test_streaming_or_not_the_answer_is_the_same(
    serve: Any, case: str, policies: Any
) -> None:
    script, body = SCRIPTS[case]
    answers: list[dict[str, Any]] = []
    for stream in (False, True):
        gateway = await serve(script, policies=policies)
        response = await gateway.chat(stream=stream, **body)
        assert response.status_code == 200, response.text
        answers.append(assembled(response.text) if stream else whole(response.json()))
    for answer in answers:
        answer["gateway"].pop("run_id")
        for call in answer["message"].get("tool_calls", ()):
            call.pop("id")
    assert answers[0] == answers[1]


async def test_a_stream_has_the_headers_of_one(serve: Any) -> None:
    gateway = await serve(["Hi."])
    response = await gateway.chat(stream=True)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    run_id = response.headers["x-gateway-run-id"]
    assert (await gateway.run(run_id))["answer"] == "Hi."


async def test_the_finish_reason_says_when_length_cut_the_answer(serve: Any) -> None:
    gateway = await serve([Say("Once upon a", finish_reason="length")])
    body = (await gateway.chat(max_tokens=3)).json()
    assert body["choices"][0]["finish_reason"] == "length"


async def test_what_could_not_be_done_is_told_in_incomplete_details(serve: Any) -> None:
    gateway = await serve([Call("add", {"a": 1, "b": 2})] * 4)
    body = (await gateway.chat(gateway={"max_steps": 1})).json()
    assert body["gateway"]["incomplete_details"]["reason"]
    assert body["choices"][0]["message"]["content"]


async def test_a_model_that_breaks_in_mid_stream_is_told_of_in_the_stream_or_the_answer(
    serve: Any,
) -> None:
    broken = Say("Once upon a time", breaks=BackendProtocolError("cut"))
    gateway = await serve([broken, BackendUnavailable("gone"), BackendUnavailable("gone")])
    response = await gateway.chat(stream=True)
    *_, last = events(response.text)
    if last == "[DONE]":
        assert assembled(response.text)["gateway"]["incomplete_details"]
    else:
        assert last["error"]["type"] == "server_error"


# parameters


async def sent(served: Any, /, **body: Any) -> Any:
    """The turn that the model was asked for."""
    response = await served.chat(**body)
    assert response.status_code == 200, response.text
    return served.intermediary.turns[-1]


async def test_sampling_reaches_the_model(serve: Any) -> None:
    gateway = await serve(["Hi."])
    turn = await sent(
        gateway,
        temperature=0,
        top_p=0.5,
        max_tokens=7,
        stop=["\n"],
        seed=1,
        frequency_penalty=0.5,
        presence_penalty=-0.5,
    )
    s = turn.sampling
    assert (s.temperature, s.top_p, s.max_tokens, s.stop, s.seed) == (0, 0.5, 7, ("\n",), 1)
    assert (s.frequency_penalty, s.presence_penalty) == (0.5, -0.5)


async def test_max_completion_tokens_wins_over_the_older_name(serve: Any) -> None:
    gateway = await serve(["Hi."])
    turn = await sent(gateway, max_tokens=7, max_completion_tokens=9, stop="END")
    assert turn.sampling.max_tokens == 9
    assert turn.sampling.stop == ("END",)


async def test_openais_fields_without_effect_are_accepted(serve: Any) -> None:
    gateway = await serve(["Hi."])
    await sent(gateway, user="u", metadata={"a": "b"}, store=False, n=1, logprobs=False, stop=None)


async def test_all_tools_are_offered_unless_the_request_names_some(serve: Any) -> None:
    for body, offered in (
        ({}, ["add", "wait"]),
        ({"gateway": {"tools": ["a*"]}}, ["add"]),
        ({"gateway": {"tools": []}}, []),
        ({"tools": [WEATHER]}, ["get_weather"]),
        ({"tools": [WEATHER], "gateway": {"tools": ["add"]}}, ["add", "get_weather"]),
    ):
        gateway = await serve(["Hi."])
        turn = await sent(gateway, **body)
        assert [tool.function.name for tool in turn.tools] == offered


async def test_a_tool_choice_reaches_the_model(serve: Any) -> None:
    named = {"type": "function", "function": {"name": "add"}}
    for choice, expected in (
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        (named, NamedTool("add")),
    ):
        gateway = await serve(["Hi.", "Hi.", "Hi."])
        response = await gateway.chat(tool_choice=choice)
        assert response.status_code == 200
        assert gateway.intermediary.turns[0].tool_choice == expected


async def test_a_choice_of_a_tool_that_is_not_offered_is_refused(serve: Any) -> None:
    gateway = await serve([])
    named = {"type": "function", "function": {"name": "add"}}
    for body, param in (
        ({"tool_choice": named, "tools": [WEATHER]}, "tool_choice.function.name"),
        ({"tool_choice": named, "gateway": {"tools": []}}, "tool_choice.function.name"),
        ({"tool_choice": "required", "gateway": {"tools": []}}, "tool_choice"),
    ):
        response = await gateway.chat(**body)
        assert response.status_code == 400
        assert response.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("response_format", "schema"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "json_schema": {"name": "c", "schema": CITY}}, CITY),
    ],
)
async def test_a_response_format_becomes_the_schema_of_the_output(
    serve: Any, response_format: Any, schema: Any
) -> None:
    gateway = await serve(['{"city": "Lyon"}'])
    assert (await sent(gateway, response_format=response_format)).output_schema == schema


async def test_a_request_may_tighten_the_operators_limits_and_not_widen_them(serve: Any) -> None:
    gateway = await serve(["Hi.", "Hi."])
    wide = {"max_steps": 1000, "deadline_ms": 10_000_000, "max_cost_usd": 1.0}
    run_id = (await gateway.chat(gateway=wide)).json()["gateway"]["run_id"]
    limits = (await gateway.run(run_id))["request"]["limits"]
    assert limits == {"max_steps": 12, "deadline_s": 120.0, "max_cost_usd": 1.0}
    tight = {"max_steps": 2, "deadline_ms": 5000}
    run_id = (await gateway.chat(gateway=tight)).json()["gateway"]["run_id"]
    limits = (await gateway.run(run_id))["request"]["limits"]
    assert limits == {"max_steps": 2, "deadline_s": 5.0, "max_cost_usd": None}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"model": 5}, "model"),
    ({"messages": "hi"}, "messages"),
    ({"messages": []}, "messages"),
    ({"temperature": "0.5"}, "temperature"),
    ({"temperature": 3}, "temperature"),
    ({"top_p": 0}, "top_p"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": True}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
    ({"stop": [1]}, "stop[0]"),
    ({"seed": 2**63}, "seed"),
    ({"stream": "yes"}, "stream"),
    ({"n": 2}, "n"),
    ({"top_logprobs": 3}, "top_logprobs"),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
    ({"gateway": {"extract": "poems"}}, "gateway.extract"),
    ({"gateway": {"max_tool_calls": 0}}, "gateway.max_tool_calls"),
    ({"logit_bias": {"5": 1}}, "logit_bias"),
    ({"modalities": ["audio"]}, "modalities"),
    ({"top_k": 5}, "top_k"),
    ({"functions": []}, "functions"),
    ({"tools": {}}, "tools"),
    ({"tools": [{"type": "custom"}]}, "tools[0].type"),
    ({"tools": [{"type": "function"}]}, "tools[0].function"),
    ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
    ({"tools": [{"type": "function", "function": {"name": "x y"}}]}, "tools[0].function.name"),
    ({"tools": [WEATHER, WEATHER]}, "tools[1].function.name"),
    ({"tool_choice": "any"}, "tool_choice"),
    ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
    ({"stream_options": {"x": 1}}, "stream_options.x"),
    ({"gateway": {"max_step": 1}}, "gateway.max_step"),
    ({"gateway": {"tools": "add"}}, "gateway.tools"),
    ({"gateway": {"escalation": "maybe"}}, "gateway.escalation"),
    ({"gateway": {"max_cost_usd": -1}}, "gateway.max_cost_usd"),
]


async def test_what_is_wrong_with_a_request_is_said_with_its_place(serve: Any) -> None:
    gateway = await serve([])
    for body, param in REFUSED:
        response = await gateway.chat(**body)
        error = response.json()["error"]
        assert (response.status_code, error["param"]) == (400, param), (body, error)
        assert error["type"] == "invalid_request_error"


async def test_a_schema_that_reaches_out_is_refused_as_a_response_format(serve: Any) -> None:
    gateway = await serve([])
    schema = {"$ref": "http://169.254.169.254/latest"}
    declared = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    response = await gateway.chat(response_format=declared)
    assert response.status_code == 400
    assert response.json()["error"]["param"].startswith("response_format.json_schema.schema")
