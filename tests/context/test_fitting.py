"""A turn made to fit its model's window, counted by real tokenizers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

from gateway.context.fitting import fitted, prompt_room
from gateway.context.options import ContextOptions
from routing.backend import Sampling, Turn
from routing.backends.llamacpp import LlamaCppBackend
from routing.backends.scripted import ScriptedBackend
from routing.errors import ContextTooLong
from tests.context.conversations import conversations, exchanges
from tests.routing.tekken_versions import TEKKEN, VERSIONS, tekken_of

DROP = ContextOptions("drop")


def backend(window: int, path: Path = TEKKEN, *, folds: bool = False) -> LlamaCppBackend:
    return LlamaCppBackend("nano", path, tokenizer=path, context_tokens=window, fold_history=folds)


BACKENDS = {window: backend(window) for window in (64, 128, 512)}


@settings(deadline=None)
@given(
    conversations(),
    st.sampled_from(sorted(BACKENDS)),
    st.integers(0, 40),
    st.none() | st.integers(1, 3),
)
async def test_a_fitted_turn_fits_has_no_orphans_and_is_the_same_again(
    messages: list[ChatMessage], window: int, reserve: int, turns: int | None
) -> None:
    model, options = BACKENDS[window], ContextOptions("drop", turns)
    turn = Turn(messages, sampling=Sampling(max_tokens=16))
    whole = (await model.count_tokens(turn)).total
    try:
        fit = await fitted(model, turn, options, reserve)
    except ContextTooLong:
        assert whole > window - 16
        return
    if not fit.dropped:
        assert fit.turn is turn
        assert whole <= window - 16
        return
    assert whole > window - 16
    assert (await model.count_tokens(fit.turn)).total + reserve <= window - 16
    ids = {c.id for each in fit.turn.messages for c in getattr(each, "tool_calls", None) or ()}
    results = [each for each in fit.turn.messages if isinstance(each, ToolMessage)]
    assert all(each.tool_call_id in ids for each in results)
    assert fit == await fitted(model, turn, options, reserve)


@pytest.mark.parametrize("folds", [False, True])
@pytest.mark.parametrize("version", VERSIONS)
async def test_most_of_the_window_is_used_whatever_the_version(
    version: str, folds: bool, tmp_path: Path
) -> None:
    model = backend(1000, tekken_of(version, tmp_path), folds=folds)
    messages = [SystemMessage(content="Be brief."), *exchanges(60, 8), UserMessage(content="So?")]
    turn = Turn(messages)
    fit = await fitted(model, turn, DROP)
    total = (await model.count_tokens(fit.turn)).total
    assert fit.dropped
    assert 0.5 * prompt_room(model, turn) < total <= prompt_room(model, turn) == 750


async def test_an_answer_whose_length_is_asked_for_keeps_its_room() -> None:
    model = ScriptedBackend([], context_tokens=1000)
    turn = Turn([*exchanges(8, 40), UserMessage(content="So?")], sampling=Sampling(max_tokens=600))
    fit = await fitted(model, turn, DROP)
    assert (await model.count_tokens(fit.turn)).total <= 400
    assert isinstance(fit.turn.messages[-1], UserMessage)


async def test_what_has_to_stay_and_does_not_fit_is_too_long() -> None:
    model = ScriptedBackend([], context_tokens=100)
    turn = Turn([*exchanges(2, 4), UserMessage(content="x" * 1000), AssistantMessage(content="y")])
    with pytest.raises(ContextTooLong):
        await fitted(model, turn, DROP)
