"""The published corpus holds for this gateway, and says truly what mistral-common makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from mistral_common.exceptions import MistralCommonException
from mistral_common.protocol.instruct.messages import ChatMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.tool_calls import Function, Tool
from mistral_common.protocol.instruct.validator import ValidationMode
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer
from mistral_common.tokens.tokenizers.tekken import Tekkenizer

from gateway.transcript import TranscriptError, from_chat, to_chat
from gateway.transcript.response_items import read_items
from gateway.transcript.responses import from_items
from routing.backend import Turn
from routing.errors import BackendRejected
from routing.prompt import PromptRenderer
from tests.routing.tekken_versions import VERSIONS, Reference, spelled, tekken_of

HERE = Path(__file__).parent
KEYS = frozenset(
    "name hard_cases chat responses tools canonical error rendered text_only mistral_common".split()
)

Case = dict[str, Any]


def read() -> Iterator[tuple[str, Case]]:
    for path in sorted(HERE.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            yield f"{path.stem}: {case['name']}", case


CASES = dict(read())


def of_kind(key: str) -> Any:
    chosen = {name: case for name, case in CASES.items() if key in case}
    return pytest.mark.parametrize("case", chosen.values(), ids=chosen.keys())


def tools_of(case: Case) -> list[Tool]:
    return [Tool(function=Function(**tool["function"])) for tool in case.get("tools", ())]


def without_names(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in message.items() if k != "name"} for message in messages]


@dataclass(frozen=True)
class Version:
    renderer: PromptRenderer
    folding: PromptRenderer
    reference: Reference

    def text(self, tokens: list[int]) -> str:
        tokenizer = self.reference.instruct_tokenizer.tokenizer
        assert isinstance(tokenizer, Tekkenizer)
        return spelled(tokenizer, tokens)

    def official(self, messages: tuple[ChatMessage, ...], tools: list[Tool]) -> str | None:
        """What mistral-common makes of it by itself; None when it refuses."""
        request = ChatCompletionRequest(messages=list(messages), tools=tools or None, model="m")
        try:
            return self.text(self.reference.encode_chat_completion(request).tokens)
        except (MistralCommonException, ValueError):
            return None


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Version]:
    folder = tmp_path_factory.mktemp("tekken")
    made: dict[str, Version] = {}
    for name in VERSIONS:
        path = tekken_of(name, folder)
        reference = MistralTokenizer.from_file(path, mode=ValidationMode.serving)
        made[name] = Version(
            PromptRenderer(path), PromptRenderer(path, fold_history=True), reference
        )
    return made


def test_the_corpus_is_whole() -> None:
    assert len(CASES) >= 100
    assert len({case["name"] for case in CASES.values()}) == len(CASES)
    covered = {number for case in CASES.values() for number in case.get("hard_cases", ())}
    assert covered >= {7, 9, 11, 13, 14, 15, 19}
    for name, case in CASES.items():
        assert case.keys() <= KEYS, name
        outcomes = {"error", "rendered", "text_only"} & case.keys()
        assert len(outcomes) == 1, name
        assert ("canonical" in case) == ("error" not in case), name
        assert case.get("rendered", dict.fromkeys(VERSIONS)).keys() == set(VERSIONS), name


@of_kind("canonical")
def test_chat_becomes_canonical(case: Case) -> None:
    transcript = from_chat(case["chat"])
    assert to_chat(transcript.messages) == case["canonical"]
    assert from_chat(case["canonical"]).messages == transcript.messages, "and stays so"


@of_kind("responses")
def test_the_same_conversation_in_the_responses_form_becomes_the_same(case: Case) -> None:
    items = read_items(case["responses"], lambda prefix: f"{prefix}_1")
    read_back = to_chat(from_items([], items).messages)
    assert without_names(read_back) == without_names(case["canonical"])


@of_kind("error")
def test_a_malformed_request_is_refused_with_its_place(case: Case) -> None:
    with pytest.raises(TranscriptError) as caught:
        from_chat(case["chat"])
    assert caught.value.param == case["error"]


@of_kind("rendered")
@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_rendered_for_every_tokenizer(
    version: str, case: Case, versions: dict[str, Version]
) -> None:
    each, tools = versions[version], tools_of(case)
    messages = from_chat(case["chat"]).messages
    expected = case["rendered"][version]
    assert each.text(each.renderer.render(Turn(messages=messages, tools=tools))) == expected
    official = each.official(messages, tools)
    verdict = "refused" if official is None else "otherwise" if official != expected else None
    assert case.get("mistral_common", {}).get(version) == verdict
    assert each.folding.render(Turn(messages=messages, tools=tools))[0] == 1


@of_kind("text_only")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_model_that_reads_text_only_refuses_it_with_its_place(
    version: str, case: Case, versions: dict[str, Version]
) -> None:
    transcript = from_chat(case["chat"])
    assert transcript.images[0] == case["text_only"]
    with pytest.raises(BackendRejected, match="text only") as caught:
        versions[version].renderer.render(Turn(messages=transcript.messages))
    assert str(caught.value).startswith(case["text_only"])
