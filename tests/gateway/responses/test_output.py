"""A run's events as a response and its stream: every object as published, in order, and all of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mistral_common.protocol.instruct.messages import AssistantMessage, UserMessage

from gateway.agent.loop import AgentLoop
from gateway.agent.run import Limits, RunRequest
from gateway.api.errors import answer
from gateway.api.responses.document import head
from gateway.api.responses.output import Output
from gateway.api.responses.request import ResponseRequest, parse_request
from gateway.transcript import TranscriptError
from gateway.transcript.responses import from_items
from gateway.transcript.sealed import unseal
from policies.decision import Allow, Decision, RequireApproval
from policies.policy import Policies, Policy, Subject
from routing.backend import TokenLogprob
from routing.backends.scripted import Call, Item, Say, ScriptedBackend
from routing.errors import BackendError, BackendProtocolError, BackendUnavailable
from routing.router import Member, Router
from tools.registry import Registry
from tools.spec import Annotations, ToolSpec, ValidCall

ASK = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
OURS = ToolSpec("ours", "Runs here.", ASK, annotations=Annotations(read_only=True))
THEIRS: dict[str, Any] = {"type": "function", "name": "theirs", "parameters": ASK}


class Answers:
    async def execute(self, call: ValidCall, context: Any) -> Any:
        return {"a": call.arguments["a"]}


class Shouts(Policy):
    rewrites_response = True

    def on_response(self, subject: Subject, text: str) -> str:
        return text.upper()


class AsksAPerson(Policy):
    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        return (
            RequireApproval("a person decides", "people") if call.arguments["a"] == 9 else Allow()
        )


async def stream(
    script: Iterable[Item], request: ResponseRequest, policies: Policy | None = None, steps: int = 4
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The events of a response, and the response as it ended."""
    registry = Registry()
    registry.register(OURS, Answers())
    backend = ScriptedBackend(script)
    loop = AgentLoop(Router(Member(backend, lambda _: 0.0)), registry, policies or Policies())
    run = RunRequest(
        messages=(UserMessage(content="Go."),),
        client_tools=tuple(tool.spec() for tool in request.tools or ()),
        tool_globs=("*",),
        parallel_tool_calls=True,
        limits=Limits(max_steps=steps),
        logprobs=request.wants_logprobs,
        output_schema=request.output_schema(),
    )
    output = Output(run, head(request, response_id="resp_1", run_id=run.run_id, created_at=1))
    events = list(output.begin())
    try:
        async for event in loop.run(run):
            events += output.feed(event)
    except (BackendError, TranscriptError) as error:
        events += output.fail(answer(error))
    return events, output.document


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="[{"), min_size=1, max_size=40)
CALLS = st.builds(
    lambda name, a: Call(name, {"a": a}),
    st.sampled_from(["ours", "theirs", "nobodys"]),
    st.sampled_from([1, 2, 3, 9, "x"]),
)
TOKENS = (TokenLogprob("I", -0.1, 7, (("I", -0.1), ("We", -2.0))), TokenLogprob(" look", -0.5))
TURNS = st.builds(
    Say,
    text=TEXTS | st.just(""),
    calls=st.lists(CALLS, max_size=3),
    finish_reason=st.sampled_from([None, "length", "stop"]),
    logprobs=st.sampled_from([(), TOKENS]),
    piece=st.integers(1, 7),
    breaks=st.none() | st.none() | st.just(BackendProtocolError("cut")),
)
SCRIPTS = st.lists(TURNS | st.just(BackendUnavailable("away")), max_size=4).map(
    lambda turns: [*turns, *(["That is all."] * 12)]
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "instructions": st.none() | TEXTS,
        "temperature": st.none() | st.integers(0, 2) | st.floats(0, 2),
        "top_p": st.floats(0.1, 1),
        "presence_penalty": st.floats(-2, 2),
        "frequency_penalty": st.none() | st.just(1),
        "max_output_tokens": st.integers(16, 4096),
        "metadata": st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
        "parallel_tool_calls": st.booleans(),
        "truncation": st.sampled_from(["auto", "disabled", None]),
        "store": st.booleans(),
        "reasoning": st.just({"effort": "low"}) | st.none(),
        "service_tier": st.sampled_from(["auto", "flex", None]),
        "user": TEXTS,
        "safety_identifier": TEXTS,
        "prompt_cache_key": TEXTS,
        "text": st.sampled_from([
            {"format": {"type": "text"}, "verbosity": "low"},
            {"format": {"type": "json_object"}},
            {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}},
        ]),
        "tool_choice": st.sampled_from([
            "auto",
            "required",
            {"type": "function", "name": "theirs"},
            {"type": "allowed_tools", "mode": "required", "tools": [
                {"type": "function", "name": "theirs"},
            ]},
            {"type": "allowed_tools", "mode": "none", "tools": [
                {"type": "function", "name": "theirs"},
            ]},
        ]),
        "include": st.just(["message.output_text.logprobs"]),
        "previous_response_id": st.just("resp_0"),
        "tools": st.just([THEIRS, {**THEIRS, "name": "more", "strict": True, "description": "x"}]),
    },
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(script=SCRIPTS, options=OPTIONS, policies=st.sampled_from([None, Shouts(), AsksAPerson()]))
async def test_every_object_and_event_is_as_published(
    script: list[Item],
    options: dict[str, Any],
    policies: Policy | None,
    judge: Any,
    in_order: Callable[[list[dict[str, Any]]], None],
) -> None:
    request = parse_request({"input": "Go.", "tools": [THEIRS], **options})
    events, made = await stream(script, request, policies)
    for event in events:
        judge.event(event)
    judge.response(made)
    for item in made["output"]:
        judge.item(item)
    in_order(events)
    assert made == events[-1]["response"]


@settings(max_examples=60, deadline=None)
@given(script=SCRIPTS, policies=st.sampled_from([None, Shouts(), AsksAPerson()]))
async def test_what_a_response_ended_in_can_be_continued(
    script: list[Item], policies: Policy | None
) -> None:
    """Its items are a conversation, once the app has given the outputs of its own calls."""
    _, made = await stream(script, parse_request({"input": "Go.", "tools": [THEIRS]}), policies)
    asked = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go."}]}
    given = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "1"}
        for item in made["output"]
        if item["type"] == "function_call"
    ]
    from_items([asked, *made["output"]], [*given, asked])


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


REQUEST = parse_request({"input": "Go.", "tools": [THEIRS]})
RUN = RunRequest((UserMessage(content="Go."),), run_id="run_1")


async def test_text_is_streamed_piece_by_piece() -> None:
    events, made = await stream([Say("It is noon.", piece=6)], REQUEST)
    assert kinds(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    [message] = made["output"]
    assert message["content"][0]["text"] == "It is noon."
    assert (message["phase"], made["status"]) == ("final_answer", "completed")


async def test_calls_that_run_here_are_the_reasoning_of_their_turn() -> None:
    script = [Say("I look.", calls=[Call("ours", {"a": 1}), Call("ours", {"a": 2})]), "It is 3."]
    events, made = await stream(script, REQUEST)
    said, done, answer_ = made["output"]
    assert (said["phase"], answer_["phase"]) == ("commentary", "final_answer")
    assert said["content"][0]["text"] == "I look."
    assert answer_["content"][0]["text"] == "It is 3."
    assert [part["text"] for part in done["summary"]] == [
        'ours({"a":1})',
        'ours({"a":2})',
        'ours → {"a":1}',
        'ours → {"a":2}',
    ]
    held: list[Any] = unseal(done["encrypted_content"])
    assert [item["type"] for item in held] == [
        "function_call",
        "function_call",
        "function_call_output",
        "function_call_output",
    ]
    assert "reasoning_summary_part.done" in kinds(events)
    assert made["usage"]["total_tokens"] == 220
    assert made["gateway"]["calls"] == 2


async def test_a_call_of_the_app_ends_a_completed_response_and_is_continued_as_it_was_said() -> (
    None
):
    script = [[Call("theirs", {"a": 1}), Call("ours", {"a": 2}), Call("theirs", {"a": 3})]]
    _, made = await stream(script, REQUEST)
    assert made["status"] == "completed"
    assert [(i["type"], i.get("name")) for i in made["output"]] == [
        ("reasoning", None),
        ("function_call", "theirs"),
        ("function_call", "theirs"),
    ]
    given = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "1"}
        for item in made["output"][1:]
    ]
    turn, *results = from_items(made["output"], given).messages
    assert isinstance(turn, AssistantMessage)
    calls = [each.function.arguments for each in turn.tool_calls or ()]
    assert calls == ['{"a":1}', '{"a":2}', '{"a":3}']
    assert [each.content for each in results] == ['{"a":2}', "1", "1"]


async def test_a_call_that_was_refused_is_no_item() -> None:
    _, made = await stream([Call("ours", {"a": "x"}), "I can't."], REQUEST)
    assert [item["type"] for item in made["output"]] == ["message"]


async def test_a_call_of_the_app_is_not_shown_where_a_person_has_to_decide_first() -> None:
    script = [[Call("theirs", {"a": 1}), Call("ours", {"a": 9}), Call("ours", {"a": 2})]]
    _, made = await stream(script, REQUEST, AsksAPerson())
    assert made["status"] == "incomplete"
    assert made["incomplete_details"]["reason"] == "content_filter"
    assert made["incomplete_details"]["code"] == "approval_required"
    assert [item["type"] for item in made["output"]] == [
        "reasoning",
        "message",
    ]


async def test_an_answer_that_is_cut_is_incomplete() -> None:
    _, made = await stream([Say("It is", finish_reason="length")], REQUEST)
    assert made["status"] == "incomplete"
    assert made["incomplete_details"]["reason"] == "max_output_tokens"
    assert made["output"][0]["status"] == "incomplete"
    assert made["completed_at"] is None


async def test_a_bound_that_was_reached_is_named() -> None:
    script = [Call("ours", {"a": n}) for n in range(9)]
    _, made = await stream(script, parse_request({"input": "Go."}), steps=2)
    assert made["incomplete_details"]["code"] == "max_steps"
    assert made["output"][-1]["content"][0]["text"].startswith("I stopped after")


async def test_text_that_a_rule_rewrites_goes_out_once_as_it_left_the_rule() -> None:
    script = [Say("I look.", calls=[Call("ours", {"a": 1})]), "It is 1."]
    events, made = await stream(script, REQUEST, Shouts())
    assert "I look." not in json.dumps(events)
    assert made["output"][-1]["content"][0]["text"] == "I LOOK.\n\nIT IS 1."


async def test_a_failure_keeps_what_was_done() -> None:
    output = Output(RUN, head(REQUEST, response_id="resp_1", run_id="run_1", created_at=1))
    list(output.begin())
    [failed] = output.fail(answer(BackendUnavailable("away")))
    assert failed["response"]["error"] == {"code": "server_error", "message": "away"}
    assert failed["response"]["status"] == "failed"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BackendUnavailable("x"), "server_error"),
        (TranscriptError(0, "x", "input"), "invalid_prompt"),
    ],
)
async def test_an_error_event_is_read_by_both(error: Exception, code: str, judge: Any) -> None:
    output = Output(RUN, head(REQUEST, response_id="resp_1", run_id="run_1", created_at=1))
    told = answer(error)
    judge.event(output.error_event(told))
    [failed] = output.fail(told)
    judge.event(failed)
    assert failed["response"]["error"]["code"] == code


async def test_log_probabilities_are_those_of_the_text() -> None:
    include = {"include": ["message.output_text.logprobs"], "top_logprobs": 1}
    turn = Say("I look", calls=[Call("ours", {"a": 1})], logprobs=(*TOKENS, TokenLogprob("[", 0.0)))
    events, made = await stream([turn, "It is 1."], parse_request({"input": "Go.", **include}))
    told = made["output"][0]["content"][0]["logprobs"]
    assert [(each["token"], each["logprob"]) for each in told] == [("I", -0.1), (" look", -0.5)]
    assert told[0]["bytes"] == [73]
    assert [each["token"] for each in told[0]["top_logprobs"]] == ["I"]
    [done] = [e for e in events if e["type"] == "response.output_text.done"][:1]
    assert done["logprobs"] == told
    assert made["output"][-1]["content"][0]["logprobs"] == []


async def test_a_structured_answer_that_failed_is_a_refusal_and_no_text(judge: Any) -> None:
    form = {"type": "json_schema", "name": "x", "schema": ASK}
    request = parse_request({"input": "Go.", "text": {"format": form}})
    events, made = await stream(["I won't."] * 12, request)
    assert made["status"] == "incomplete"
    [message] = made["output"]
    [part] = message["content"]
    assert part["type"] == "refusal"
    assert part["refusal"]
    for event in events:
        judge.event(event)
