"""The embedded engine under later tokenizer versions: prompts, grammar and calls agree on a spelling.

The weights have learnt V3 and nothing of these; under the grammar they can't help but follow it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mistral_common.protocol.instruct.messages import AssistantMessage, ChatMessage, UserMessage
from mistral_common.protocol.instruct.tool_calls import Function, Tool

from routing.backend import Completion, Sampling, Turn
from routing.backends.llama_answer import LlamaAnswer
from routing.backends.llamacpp import LlamaCppBackend
from routing.grammar.lark import lark_grammar
from routing.spelling import CallSpelling
from tests.routing.tekken_versions import ARGS, CALL_ID, tekken_of

MODEL = Path(__file__).parents[2] / "models" / "nano" / "nano.gguf"
V11, V13 = CallSpelling(9, args=ARGS, call_id=CALL_ID), CallSpelling(9, args=ARGS)
PARAMETERS = {
    "type": "object",
    "properties": {"unit": {"enum": ["km", "mi"]}},
    "required": ["unit"],
}
DISTANCE = Tool(function=Function(name="get_distance", description="", parameters=PARAMETERS))


@pytest.mark.parametrize(
    ("spelling", "call"),
    [
        (V11, 'call_0: <[9]> "get_distance" <[33]> /[a-zA-Z0-9]{9}/ <[32]> %json {"type":"object"'),
        (V13, 'call_0: <[9]> "get_distance" <[32]> %json {"type":"object"'),
    ],
)
def test_the_grammar_spells_calls_as_the_version_does(spelling: CallSpelling, call: str) -> None:
    lines = lark_grammar([DISTANCE], max_calls=3, spelling=spelling).text.splitlines()
    assert lines[0] == "start: content | fcalls"
    assert lines[2] == "fcalls: call{1,3}"
    assert lines[4].startswith(call)
    assert "fcalls: call\n" in lark_grammar([DISTANCE], max_calls=1, spelling=spelling).text


def test_control_tokens_are_told_by_their_ids_and_never_by_their_spelling() -> None:
    answer = LlamaAnswer("small", V11)
    chunks = [("I look [ARGS]. ", 100), ("", 9), ("get_distance", 101), ("", CALL_ID)]
    chunks += [("abcdefghi", 102), ("", ARGS), ('{"unit": "[TOOL_CALLS]"}', 103)]
    chunks += [("", 9), ("get_distance", 101), ("", ARGS), ('{"unit"', 104)]
    shown = [answer.take({"content": c, "tokens": [t], "stop": False}) for c, t in chunks]
    answer.take({"stop": True, "stop_type": "limit"})
    completion = answer.completion()
    assert "".join(shown) == completion.text == "I look [ARGS]. "
    assert [(c.function.name, c.function.arguments) for c in completion.calls] == [
        ("get_distance", '{"unit": "[TOOL_CALLS]"}'),
        ("get_distance", '{"unit"'),
    ]
    assert completion.finish_reason == "length"


@pytest.mark.embedded
@pytest.mark.parametrize("version", ["v11", "v13"])
async def test_a_required_call_comes_in_the_versions_spelling(version: str, tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="the extra `embedded` is not installed")
    backend = LlamaCppBackend("later", MODEL, tokenizer=tekken_of(version, tmp_path), slots=1)
    asked = Turn(
        messages=[UserMessage(content="How far is it from Lyon to Paris?")],
        tools=[DISTANCE],
        tool_choice="required",
        max_calls=2,
        sampling=Sampling(max_tokens=80),
        logprobs=True,
    )
    *texts, completion = [item async for item in backend.stream(asked)]
    await backend.aclose()
    assert texts == []
    assert isinstance(completion, Completion)
    assert completion.calls
    for call in completion.calls:
        assert call.function.name == "get_distance"
        assert json.loads(call.function.arguments)["unit"] in {"km", "mi"}
    spelled = "".join(token.text for token in completion.logprobs)
    between = "[CALL_ID]" if version == "v11" else "[ARGS]"
    assert spelled.startswith(f"[TOOL_CALLS]get_distance{between}")


@pytest.mark.embedded
@pytest.mark.parametrize("fold_history", [False, True])
async def test_a_second_question_finds_the_tools_in_the_cache_when_history_is_folded(
    fold_history: bool,
) -> None:
    pytest.importorskip("xllamacpp", reason="the extra `embedded` is not installed")
    backend = LlamaCppBackend("folding", MODEL, slots=1, fold_history=fold_history)
    messages: list[ChatMessage] = [UserMessage(content="How far is it to Paris?")]
    read_from_cache: list[int] = []
    for _ in range(2):
        asked = Turn(messages=messages, tools=[DISTANCE], sampling=Sampling(max_tokens=1))
        *_, completion = [item async for item in backend.stream(asked)]
        assert isinstance(completion, Completion)
        read_from_cache.append(completion.usage.cached_tokens)
        messages += [AssistantMessage(content="Far."), UserMessage(content="And to Lyon?")]
    await backend.aclose()
    assert read_from_cache[0] <= 1
    assert read_from_cache[1] > 60 if fold_history else read_from_cache[1] <= 1
