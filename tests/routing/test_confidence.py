"""What one sample says about its calls, whatever way the tokens cut them; nothing is made up."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistral_common.protocol.instruct.messages import UserMessage
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from routing.backend import Completion, TokenLogprob
from routing.confidence import CERTAIN, CallEvidence, History, JudgedCall, measure

NAMES = ("get", "get_all", "send", "send_mail")


def token(text: str, logprob: float = -0.01, **others: float) -> TokenLogprob:
    alternatives = ((text, logprob), *((t.replace("QUOTE", '"'), lp) for t, lp in others.items()))
    return TokenLogprob(text, logprob, alternatives=tuple(alternatives))


def weighed(
    tokens: list[TokenLogprob],
    *calls: tuple[str, dict[str, Any]],
    history: History | None = None,
    names: tuple[str, ...] = NAMES,
) -> list[CallEvidence]:
    made = tuple(
        ToolCall(id=f"call{n:05d}", function=FunctionCall(name=name, arguments=json.dumps(a)))
        for n, (name, a) in enumerate(calls)
    )
    return list(
        measure(
            Completion(calls=made, logprobs=tuple(tokens)),
            [JudgedCall(name, arguments) for name, arguments in calls],
            candidates=names,
            messages=[UserMessage(content="send 5 to Anna")],
            history=history,
        )
    )


HEAD = [token("[TOOL_CALLS]", -0.1, Sure=-2.6), token('[{"'), token("name"), token('": "')]


def test_a_names_margin_is_over_another_name_and_not_over_another_way_to_cut_it() -> None:
    tokens = [
        *HEAD,
        token("se", -0.2, s=-2.0, get=-3.0, xyz=-0.5),
        token("nd", -0.1, n=-4.0),
        token('",', -0.3, _mail=-1.5),
        token(' "arguments": {'),
        token("}}]"),
    ]
    [found] = weighed(tokens, ("send", {}))
    assert found.name_logprob == pytest.approx(-0.6)
    assert found.name_margin == pytest.approx(-0.6 - (-0.2 - 0.1 - 1.5))
    assert found.call_margin == pytest.approx(2.5)


def test_a_rival_that_was_not_reported_is_as_likely_as_the_least_that_was() -> None:
    tokens = [*HEAD, token("send", -0.1, zzz=-4.0), token('", "arguments": {}}]', 0.0)]
    [found] = weighed(tokens, ("send", {}))
    assert found.name_margin == pytest.approx(3.9)
    [only] = weighed(tokens, ("send", {}), names=("send",))
    assert only.name_margin == CERTAIN


def test_a_call_that_a_grammar_forced_has_a_margin_below_zero() -> None:
    tokens = [*HEAD, token("send", -5.0, get=-0.1), token('", "arguments": {}}]')]
    [found] = weighed(tokens, ("send", {}))
    assert found.name_margin is not None
    assert found.name_margin < 0


def test_only_values_are_weighed_and_the_token_that_ends_one_with_them() -> None:
    tokens = [
        *HEAD,
        token("send", 0.0),
        token('", "arguments": {"', 0.0),
        token("to", -9.0),
        token('": "', -8.0),
        token("An", -0.5),
        token("na", -1.5),
        token('", "', -0.25),
        token("n", -7.0),
        token('": ', -6.0),
        token("5", -0.75),
        token("}}", -1.0),
        token("]", -9.0),
    ]
    [found] = weighed(tokens, ("send", {"to": "Anna", "n": 5}))
    assert found.value_min == -1.5
    assert found.value_low == -1.5
    assert found.value_mid == -0.75
    assert found.grounding == 1.0


def test_each_call_of_a_turn_is_weighed_by_its_own_tokens() -> None:
    tokens = [
        *HEAD,
        token("get", -0.1),
        token('", "arguments": {"x": "'),
        token("a", -2.0),
        token('"}}, {"name": "'),
        token("get", -0.4),
        token('", "arguments": {"x": "'),
        token("b", -3.0),
        token('"}}]'),
    ]
    first, second = weighed(tokens, ("get", {"x": "a"}), ("get", {"x": "b"}))
    assert (first.value_min, second.value_min) == (-2.0, -3.0)
    assert first.name_logprob != second.name_logprob
    assert first.calls == second.calls == 2


def test_later_tokenizers_spell_calls_without_quotes() -> None:
    tokens = [
        token("[TOOL_CALLS]", -0.1, Hi=-1.1),
        token("se", -0.2, get=-2.2),
        token("nd", -0.1),
        token("[ARGS]", 0.0),
        token('{"n": '),
        token("5", -0.5),
        token("}"),
    ]
    [found] = weighed(tokens, ("send", {"n": 5}))
    assert found.name_margin == pytest.approx(-0.3 + 2.2)
    assert found.value_min == -0.5
    assert found.call_margin == pytest.approx(1.0)


@pytest.mark.parametrize("tokens", [[], [token("It is fine.")]], ids=["none", "of text only"])
def test_without_log_probabilities_nothing_is_put_in_their_place(
    tokens: list[TokenLogprob],
) -> None:
    [found] = weighed(tokens, ("send", {"to": "Bob"}), history=History(3, 1, 2))
    measured = (found.call_margin, found.name_margin, found.name_logprob, found.value_min)
    assert measured == (None, None, None, None)
    assert not found.is_measured
    assert found.grounding == 0.0
    assert (found.step, found.invalid_turns, found.tool_errors) == (3, 1, 2)


def test_engines_that_tell_no_alternatives_leave_margins_open() -> None:
    bare = [TokenLogprob(t.text, t.logprob) for t in [*HEAD, token('send", "arguments": {}}]')]]
    [found] = weighed(bare, ("send", {}))
    assert found.name_margin is None
    assert found.call_margin is None
    assert found.is_measured


_CALL = '[TOOL_CALLS][{"name": "send_mail", "arguments": {"to": "Änna \\"x\\"", "n": [5, 6.5]}}]'


@given(st.sets(st.integers(1, len(_CALL) - 1)), st.lists(st.floats(-30, 0), min_size=100))
def test_however_the_tokens_are_cut_the_worst_value_is_never_better_than_the_median(
    cuts: set[int], logprobs: list[float]
) -> None:
    bounds = [0, *sorted(cuts), len(_CALL)]
    pieces = [_CALL[a:b] for a, b in pairwise(bounds)]
    tokens = [TokenLogprob(t, lp) for t, lp in zip(pieces, logprobs, strict=False)]
    if len(tokens) < len(pieces):
        return
    [found] = weighed(tokens, ("send_mail", {"to": 'Änna "x"', "n": [5, 6.5]}))
    assert found.value_min is not None
    assert found.value_low is not None
    assert found.value_mid is not None
    assert -CERTAIN <= found.value_min <= found.value_low <= found.value_mid <= 0
    assert found.name_logprob is not None


@given(st.lists(st.text(max_size=6), max_size=30))
def test_no_sample_is_too_odd(texts: list[str]) -> None:
    weighed([TokenLogprob(text, -1.0) for text in texts], ("send", {"x": "1"}))
