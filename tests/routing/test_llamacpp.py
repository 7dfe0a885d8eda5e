"""The embedded backend over the real llama.cpp. Nothing here depends on what the weights have learnt."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft202012Validator
from mistral_common.protocol.instruct.messages import UserMessage
from mistral_common.protocol.instruct.tool_calls import Function, Tool

from routing.backend import Completion, NamedTool, Sampling, TextDelta, ToolChoice, Turn
from routing.backends.llama_engine import EngineShape, LlamaEngine
from routing.backends.llama_http import LlamaClient
from routing.backends.llamacpp import LlamaCppBackend
from routing.errors import BackendTimeout, BackendUnavailable, ContextTooLong

pytest.importorskip("xllamacpp", reason="the extra `embedded` is not installed")

MODEL = Path(__file__).parents[2] / "models" / "nano" / "nano.gguf"
LONG = {"type": "array", "items": {"type": "integer", "maximum": 9, "minimum": 0}, "minItems": 900}
"""A schema whose shortest text takes seconds: a generation that does not end by itself."""

SCHEMAS: dict[str, dict[str, Any]] = {
    "plain": {"properties": {"city": {"type": "string", "maxLength": 12}}, "required": ["city"]},
    "optional": {"properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}},
    "enum": {"properties": {"unit": {"enum": ["°C", 'a"b', 3, None]}}, "required": ["unit"]},
    "const": {"properties": {"kind": {"const": {"x": [1]}}}, "required": ["kind"]},
    "bounds": {
        "properties": {"n": {"type": "integer", "minimum": -3, "exclusiveMaximum": 40}},
        "required": ["n"],
    },
    "array": {
        "properties": {
            "tags": {
                "type": "array",
                "items": {"type": "string", "maxLength": 5},
                "minItems": 1,
                "maxItems": 3,
            }
        },
        "required": ["tags"],
    },
    "union": {
        "properties": {"when": {"anyOf": [{"type": "integer", "maximum": 9}, {"type": "null"}]}},
        "required": ["when"],
    },
    "nested": {
        "properties": {
            "place": {
                "type": "object",
                "properties": {"lat": {"type": "number", "minimum": -90, "maximum": 90}},
                "required": ["lat"],
                "additionalProperties": False,
            }
        },
        "required": ["place"],
    },
    "pattern": {
        "properties": {"code": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{3}$"}},
        "required": ["code"],
    },
    "nothing": {"properties": {}},
}


def tool(name: str) -> Tool:
    schema = {"type": "object", "additionalProperties": False, **SCHEMAS[name]}
    return Tool(function=Function(name=f"get_{name}", description=name, parameters=schema))


TOOLS = [tool(name) for name in SCHEMAS]


def turn(
    text: str = "Weather in Lyon?",
    *,
    tools: Sequence[Tool] = (),
    choice: ToolChoice = "auto",
    max_tokens: int | None = 200,
    **more: Any,
) -> Turn:
    return Turn(
        messages=[UserMessage(content=text)],
        tools=tools,
        tool_choice=choice,
        sampling=Sampling(max_tokens=max_tokens),
        **more,
    )


async def heard(backend: LlamaCppBackend, asked: Turn) -> tuple[list[str], Completion]:
    texts: list[str] = []
    items = [item async for item in backend.stream(asked)]
    for item in items[:-1]:
        assert isinstance(item, TextDelta)
        assert item.text
        texts.append(item.text)
    assert isinstance(items[-1], Completion)
    return texts, items[-1]


def soon(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


@pytest.fixture(scope="module")
def backend() -> Iterator[LlamaCppBackend]:
    made = LlamaCppBackend("nano", MODEL)
    yield made
    asyncio.run(made.aclose())


async def test_text_is_streamed_and_adds_up_to_the_completions(backend: LlamaCppBackend) -> None:
    texts, completion = await heard(backend, turn())
    assert "".join(texts) == completion.text
    assert completion.calls == ()
    assert completion.usage.prompt_tokens > 3
    assert 0 < completion.usage.completion_tokens <= 200
    assert completion.finish_reason in {"stop", "length"}


async def test_the_same_turn_gets_the_same_answer(backend: LlamaCppBackend) -> None:
    assert await heard(backend, turn("Hi")) is not None
    first, second = await heard(backend, turn("Hi")), await heard(backend, turn("Hi"))
    assert first == second


@pytest.mark.parametrize("name", SCHEMAS)
async def test_a_named_tool_is_called_once_with_arguments_that_its_schema_allows(
    name: str, backend: LlamaCppBackend
) -> None:
    asked = turn(tools=TOOLS, choice=NamedTool(f"get_{name}"))
    texts, completion = await heard(backend, asked)
    assert texts == []
    (call,) = completion.calls
    assert call.function.name == f"get_{name}"
    if completion.finish_reason != "length":
        arguments = json.loads(call.function.arguments)
        Draft202012Validator({"type": "object", **SCHEMAS[name]}).validate(arguments)
        assert call.function.arguments == json.dumps(arguments, ensure_ascii=False)
        assert completion.tail == ""


async def test_a_required_call_names_an_offered_tool(backend: LlamaCppBackend) -> None:
    texts, completion = await heard(backend, turn(tools=TOOLS, choice="required", max_calls=3))
    assert texts == []
    assert 1 <= len(completion.calls) <= 3
    assert {call.function.name for call in completion.calls} <= {t.function.name for t in TOOLS}
    assert len({call.id for call in completion.calls}) == len(completion.calls)


async def test_one_call_at_a_time_when_calls_are_not_parallel(backend: LlamaCppBackend) -> None:
    asked = turn(tools=TOOLS, choice="required", parallel_tool_calls=False)
    _, completion = await heard(backend, asked)
    assert len(completion.calls) == 1


async def test_forbidden_calls_do_not_happen(backend: LlamaCppBackend) -> None:
    texts, completion = await heard(backend, turn(tools=TOOLS, choice="none", logprobs=True))
    assert completion.calls == ()
    assert 9 not in {token.token_id for token in completion.logprobs}
    assert "".join(texts) == completion.text


async def test_an_answer_obeys_the_output_schema(backend: LlamaCppBackend) -> None:
    schema = {"type": "object", **SCHEMAS["bounds"], "additionalProperties": False}
    _, completion = await heard(backend, turn(output_schema=schema))
    Draft202012Validator(schema).validate(json.loads(completion.text))


async def test_a_call_that_is_cut_by_length_is_handed_on_cut(backend: LlamaCppBackend) -> None:
    asked = turn(tools=[tool("plain")], choice="required", max_tokens=12)
    _, completion = await heard(backend, asked)
    assert completion.finish_reason == "length"
    assert completion.usage.completion_tokens == 12
    for call in completion.calls:
        with pytest.raises(json.JSONDecodeError):
            json.loads(call.function.arguments)


async def test_log_probabilities_cover_the_answer(backend: LlamaCppBackend) -> None:
    asked = turn(tools=[tool("bounds")], choice="required", max_calls=1, logprobs=True)
    _, completion = await heard(backend, asked)
    assert completion.logprobs[0].token_id == 9
    spelled = "".join(token.text for token in completion.logprobs)
    arguments = completion.calls[0].function.arguments
    assert spelled == f'[TOOL_CALLS][{{"name": "get_bounds", "arguments": {arguments}}}]'
    assert all(token.logprob <= 0 and token.alternatives for token in completion.logprobs)


async def test_log_probabilities_are_not_sent_unasked(backend: LlamaCppBackend) -> None:
    _, completion = await heard(backend, turn())
    assert completion.logprobs == ()


async def test_sampling_is_repeatable_with_a_seed(backend: LlamaCppBackend) -> None:
    asked = replace(turn(), sampling=Sampling(temperature=1.0, seed=7, max_tokens=20))
    _, first = await heard(backend, asked)
    _, second = await heard(backend, asked)
    assert first.text == second.text


async def test_a_stop_text_ends_the_answer_before_it(backend: LlamaCppBackend) -> None:
    asked = replace(turn(output_schema=LONG), sampling=Sampling(max_tokens=40))
    _, whole = await heard(backend, asked)
    stop = whole.text[6:10]
    assert len(stop) == 4
    stopped = replace(asked, sampling=replace(asked.sampling, stop=(stop,)))
    texts, completion = await heard(backend, stopped)
    assert completion.text == "".join(texts) == whole.text[: whole.text.index(stop)]
    assert completion.finish_reason == "stop"


async def test_a_repeated_prompt_is_read_from_the_cache(backend: LlamaCppBackend) -> None:
    asked = turn("Is it cached?", tools=TOOLS)
    await heard(backend, asked)
    _, completion = await heard(backend, asked)
    assert completion.usage.cached_tokens >= completion.usage.prompt_tokens - 2


async def test_eight_turns_at_once_each_get_their_own_answer(backend: LlamaCppBackend) -> None:
    names = list(SCHEMAS)[:8]
    asked = [turn(f"Say {n}", tools=TOOLS, choice=NamedTool(f"get_{n}")) for n in names]
    answers = await asyncio.gather(*(heard(backend, each) for each in asked))
    called = [completion.calls[0].function.name for _, completion in answers]
    assert called == [f"get_{name}" for name in names]


async def test_a_prompt_that_does_not_fit_is_refused(backend: LlamaCppBackend) -> None:
    with pytest.raises(ContextTooLong) as caught:
        await heard(backend, turn("word " * 9000))
    assert caught.value.backend == "nano"
    with pytest.raises(ContextTooLong):
        await heard(backend, turn(max_tokens=8192))


@pytest.fixture(scope="module")
def narrow() -> Iterator[LlamaCppBackend]:
    """A backend in which one endless generation blocks all others."""
    made = LlamaCppBackend("narrow", MODEL, slots=1)
    asyncio.run(made.warm())
    yield made
    asyncio.run(made.aclose())


async def test_closing_the_stream_stops_the_engine(narrow: LlamaCppBackend) -> None:
    async with aclosing(narrow.stream(turn(output_schema=LONG, max_tokens=7000))) as stream:
        assert isinstance(await anext(stream), TextDelta)
    await heard(narrow, turn(max_tokens=5, deadline=soon(8)))


async def test_cancelling_the_reader_stops_the_engine(narrow: LlamaCppBackend) -> None:
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in narrow.stream(turn(output_schema=LONG, max_tokens=7000)):
            begun.set()

    reader = asyncio.create_task(read())
    await begun.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await heard(narrow, turn(max_tokens=5, deadline=soon(8)))


async def test_the_deadline_ends_a_stream_that_still_flows(narrow: LlamaCppBackend) -> None:
    with pytest.raises(BackendTimeout) as caught:
        await heard(narrow, turn(output_schema=LONG, max_tokens=7000, deadline=soon(0.3)))
    assert caught.value.backend == "narrow"
    await heard(narrow, turn(max_tokens=5, deadline=soon(8)))


async def test_an_engine_that_says_nothing_for_too_long_is_given_up() -> None:
    impatient = LlamaCppBackend("impatient", MODEL, slots=1, stall_s=1.5)
    await impatient.warm()
    async with aclosing(impatient.stream(turn(output_schema=LONG, max_tokens=7000))) as stream:
        await anext(stream)
        with pytest.raises(BackendTimeout):
            await heard(impatient, turn(max_tokens=1))
    await impatient.aclose()


async def test_closing_a_backend_cuts_a_stream_that_nobody_has_left() -> None:
    leaving = LlamaCppBackend("leaving", MODEL, slots=1)
    async with aclosing(leaving.stream(turn(output_schema=LONG, max_tokens=7000))) as stream:
        await anext(stream)
        await leaving.aclose()  # unloading would wait for the connection for ever
        with pytest.raises(BackendUnavailable, match="broke off"):
            async for _ in stream:
                pass


async def test_a_grammar_that_the_engine_would_ignore_is_found_out() -> None:
    engine = LlamaEngine(MODEL, EngineShape(slots=1))
    client = LlamaClient(engine.load(), stall_s=10)
    assert await client.obeys('%llguidance {}\nstart: "x"\n', None)
    assert not await client.obeys('%llguidance {}\nstart: "x\n', None)
    assert not await client.obeys('%llguidance {}\nstart: %json {"x-guidance": {"new": 1}}\n', None)
    engine.unload()


async def test_only_the_tool_whose_schema_is_refused_gets_open_arguments(
    backend: LlamaCppBackend,
) -> None:
    impossible = {"n": {"type": "integer", "minimum": 5, "maximum": 3}}
    parameters = {"type": "object", "properties": impossible, "required": ["n"]}
    odd = Tool(function=Function(name="odd", parameters=parameters))
    tools = [odd, tool("bounds")]
    _, completion = await heard(backend, turn(tools=tools, choice=NamedTool("get_bounds")))
    (call,) = completion.calls
    Draft202012Validator(SCHEMAS["bounds"]).validate(json.loads(call.function.arguments))
    _, completion = await heard(backend, turn(tools=tools, choice=NamedTool("odd")))
    assert [call.function.name for call in completion.calls] == ["odd"]
    _, completion = await heard(backend, turn(tools=tools, choice="required", max_calls=8))
    for call in completion.calls[:-1]:
        if call.function.name == "get_bounds":
            Draft202012Validator(SCHEMAS["bounds"]).validate(json.loads(call.function.arguments))


async def test_the_engine_answers_on_loopback_and_only_with_its_key() -> None:
    engine = LlamaEngine(MODEL, EngineShape(slots=1))
    endpoint = engine.load()
    assert endpoint.url.startswith("http://127.0.0.1:")
    async with aiohttp.ClientSession() as session:
        for path in ("completion", "v1/chat/completions", "slots"):
            async with session.post(f"{endpoint.url}/{path}", json={"prompt": "x"}) as answer:
                assert answer.status == 401
    engine.unload()
    assert engine.endpoint is None


async def test_a_model_that_can_not_be_loaded_says_why(tmp_path: Path) -> None:
    missing = LlamaCppBackend("m", tmp_path / "no.gguf")
    assert not await missing.ready()
    with pytest.raises(BackendUnavailable, match=r"no model file at .*no\.gguf") as caught:
        await missing.warm()
    assert caught.value.backend == "m"
    (tmp_path / "pointer.gguf").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(BackendUnavailable, match="is not a GGUF file"):
        await LlamaCppBackend("m", tmp_path / "pointer.gguf").warm()
    (tmp_path / "cut.gguf").write_bytes(MODEL.read_bytes()[:5000])
    with pytest.raises(BackendUnavailable, match="can't load"):
        await LlamaCppBackend("m", tmp_path / "cut.gguf").warm()


async def test_without_the_package_the_error_holds_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(BackendUnavailable, match="uv sync --extra embedded"):
        await heard(LlamaCppBackend("m", MODEL), turn())


async def test_it_is_ready_once_it_is_loaded(backend: LlamaCppBackend) -> None:
    await backend.warm()
    assert await backend.ready()


def test_an_interpreter_that_exits_in_mid_answer_neither_hangs_nor_crashes() -> None:
    program = f"""
        import asyncio
        from pathlib import Path
        from mistral_common.protocol.instruct.messages import UserMessage
        from routing.backend import Turn
        from routing.backends.llamacpp import LlamaCppBackend

        backend = LlamaCppBackend("nano", Path({str(MODEL)!r}))

        async def main():
            stream = backend.stream(
                Turn(messages=[UserMessage(content="x")], output_schema={LONG!r})
            )
            print(type(await anext(stream)).__name__)

        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "TextDelta\n"), done.stderr
