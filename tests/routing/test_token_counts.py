"""Counting a prompt without making it: exact, for every version, and each message read once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mistral_common.protocol.instruct.chunk import ImageURLChunk
from mistral_common.protocol.instruct.messages import (
    ChatMessage,
    SystemMessage,
    UserMessage,
)

from routing.backend import ModelBackend, Turn
from routing.backends.litellm import LiteLLMBackend
from routing.backends.llamacpp import LlamaCppBackend
from routing.backends.scripted import ScriptedBackend
from routing.backends.vllm import VllmBackend
from routing.errors import BackendRejected
from routing.prompt import PromptRenderer
from routing.prompt import renderer as rendering
from routing.prompt.encoding import Part
from routing.unconstrained import Unconstrained
from tests.context.conversations import conversations, exchanges
from tests.routing.tekken_versions import TEKKEN, VERSIONS, tekken_of
from tests.routing.test_prompt_folding import TOOLS


@pytest.fixture(scope="module", params=[(v, f) for v in VERSIONS for f in (False, True)])
def renderer(request: Any, tmp_path_factory: pytest.TempPathFactory) -> PromptRenderer:
    version, folds = request.param
    return PromptRenderer(tekken_of(version, tmp_path_factory.mktemp(version)), fold_history=folds)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=conversations(), has_tools=st.booleans())
def test_a_count_is_the_length_of_what_is_rendered(
    renderer: PromptRenderer, messages: list[ChatMessage], has_tools: bool
) -> None:
    turn = Turn(messages, tools=TOOLS if has_tools else ())
    count = renderer.count_tokens(turn)
    assert count.total == len(renderer.render(turn))
    assert len(count.messages) == len(messages)


def test_each_message_alone_and_the_tools_are_the_whole_where_nothing_is_joined() -> None:
    renderer = PromptRenderer(TEKKEN)
    messages = exchanges(5, 3)
    without = renderer.count_tokens(Turn(messages))
    assert without.total == 1 + sum(without.messages)
    tools = renderer.count_tokens(Turn(messages, tools=TOOLS))
    assert tools.messages == without.messages
    assert tools.total > without.total
    [system] = renderer.count_tokens(Turn([SystemMessage(content="Be brief.")])).messages
    assert 0 < system < 6


def test_what_was_counted_before_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer, read = PromptRenderer(TEKKEN), list[Part]()
    encoded = rendering.encoded

    def noted(part: Part, instruct: Any) -> list[int]:
        read.append(part)
        return encoded(part, instruct)

    monkeypatch.setattr(rendering, "encoded", noted)
    messages = exchanges(50, 3)
    renderer.count_tokens(Turn(messages))
    read.clear()
    renderer.count_tokens(Turn([*messages, UserMessage(content="And now?")]))
    assert len(read) <= 4  # the new one, and what is no longer the last


async def test_every_backend_counts_and_a_wrapper_passes_it_on() -> None:
    turn = Turn(exchanges(3, 5), tools=TOOLS)
    backends: list[ModelBackend] = [
        ScriptedBackend([]),
        LlamaCppBackend("nano", TEKKEN.with_name("nano.gguf")),
        VllmBackend("v", "unknown/model", "http://127.0.0.1:1/v1"),
        VllmBackend("v", "unknown/model", "http://127.0.0.1:1/v1", tokenizer=TEKKEN),
    ]
    for backend in backends:
        count = await backend.count_tokens(turn)
        assert sum(count.messages) < count.total
        assert min(count.messages) > 0
        assert await Unconstrained(backend).count_tokens(turn) == count
    exact = PromptRenderer(TEKKEN).count_tokens(turn)
    assert await backends[1].count_tokens(turn) == exact
    assert await backends[3].count_tokens(turn) == exact


async def test_ministral_is_counted_by_the_tokenizer_that_mistral_common_brings() -> None:
    backend = VllmBackend("v", "mistralai/Ministral-8B-Instruct-2410", "http://127.0.0.1:1/v1")
    count = await backend.count_tokens(Turn([UserMessage(content="Hello world")]))
    assert (count.total, count.messages) == (5, (4,))  # <s> [INST] Hello world [/INST]


@pytest.mark.filterwarnings("ignore")
async def test_litellm_counts_without_fetching_anything() -> None:
    backend = LiteLLMBackend("expert")
    picture = ImageURLChunk(image_url="http://127.0.0.1:1/none.png")
    turn = Turn([*exchanges(2, 30), UserMessage(content=[picture])], tools=TOOLS)
    count = await backend.count_tokens(turn)
    assert count.messages[1] > count.messages[0]
    assert count.messages[-1] > 50
    without = await backend.count_tokens(Turn(turn.messages))
    assert without.messages == count.messages
    assert without.total < count.total


async def test_what_a_model_cannot_read_cannot_be_counted() -> None:
    picture = UserMessage(content=[ImageURLChunk(image_url="data:image/png;base64,AA")])
    turn = Turn([UserMessage(content="Hm"), picture])
    for backend in (
        LlamaCppBackend("nano", TEKKEN.with_name("nano.gguf")),
        VllmBackend("v", "m", "http://127.0.0.1:1/v1", tokenizer=TEKKEN),
    ):
        with pytest.raises(BackendRejected, match=r"messages\[1\]"):
            await backend.count_tokens(turn)
