"""What speaks for a call that a model proposes, from one sample and the conversation. Pure.

What it is: measures. Log-probabilities are natural logarithms, margins differences of them (nats).
- Which tool: the log-probability of its name, and its margin over the best other candidate *name*; a
  name spans tokens, and another way to cut the same name into tokens is no rival.
- Whether to call: the margin of the call marker over the best other first token.
- Which values: the minimum, the lowest tenth and the median over the tokens of argument values, the
  token that ends a value included. Keys and punctuation say nothing and are left out.
- Whether values were said (`routing.grounding`), how much repair was needed, what the run met before.
What it is not: a probability (`routing.calibration`), or a decision (`routing.escalation`).

Tokens cross the boundaries of JSON (` {"`, `"}}`), so everything is aligned by character offset in what
the tokens spell together. Without log-probabilities, or where calls can't be found in them (an engine
that tells only those of text), the measures that need them are None; nothing is put in their place.
Engines report a few alternatives a token: a rival that is not among them is taken to be as likely as
the least likely one that is, or as what is left of one, so a margin is never overstated.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from math import exp, log
from typing import TYPE_CHECKING, Any

from mistral_common.protocol.instruct.messages import ChatMessage

from routing.backend import Completion, TokenLogprob
from routing.grounding import Said
from routing.native import CALL_MARKER

CERTAIN = 20.0
"""Margins and log-probabilities are held to ±20 nats: beyond that they say nothing more."""

_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|[^\s,:"{}\[\]]+', re.DOTALL)
_COLON = re.compile(r"\s*:")


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class JudgedCall:
    """A call that was found valid: as spelled by the model, and as it would be run.

    `effect` is read, write or destroy; `parameters` the tool's JSON Schema; `repairs` how many lossless
    changes validation made.
    """

    name: str
    arguments: Mapping[str, Any]
    effect: str = "read"
    parameters: Mapping[str, Any] | None = None
    repairs: int = 0


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class History:
    """What a run met before this decision: turns in a row that were not right, and failed results."""

    step: int = 1
    invalid_turns: int = 0
    tool_errors: int = 0


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class CallEvidence:
    """What speaks for one proposed call; None is "not known". See the module for what is measured.

    `grounding` is the least said value's share, `grounded` the mean, `coverage` the share of the
    request's numbers that the turn's calls use, `calls` how many calls the turn has.
    """

    tool: str
    effect: str = "read"
    call_margin: float | None = None
    name_margin: float | None = None
    name_logprob: float | None = None
    value_min: float | None = None
    value_low: float | None = None
    value_mid: float | None = None
    grounding: float = 1.0
    grounded: float = 1.0
    coverage: float = 1.0
    ungrounded: tuple[str, ...] = ()
    repairs: int = 0
    calls: int = 1
    offered: int = 1
    step: int = 1
    invalid_turns: int = 0
    tool_errors: int = 0

    @property
    def is_measured(self) -> bool:
        """Whether log-probabilities of this call were there to be read."""
        return self.name_logprob is not None

    def as_json(self) -> dict[str, Any]:
        """For traces and records; no value of an argument is in it."""
        told = {name: getattr(self, name) for name in _FIELDS}  # `asdict` would copy deeply, a call
        told["ungrounded"] = list(self.ungrounded)
        return told


_FIELDS = tuple(each.name for each in fields(CallEvidence))


def measure(
    completion: Completion,
    calls: Sequence[JudgedCall],
    *,
    candidates: Sequence[str],
    messages: Sequence[ChatMessage],
    history: History | None = None,
) -> tuple[CallEvidence, ...]:
    """Evidence for each of `calls`, in order. `candidates` are the names the model could choose from."""
    said = Said.of(messages)
    history = history or History()
    spelled = _Spelled.of(completion.logprobs)
    call_margin = spelled.call_margin()
    coverage = said.coverage([call.arguments for call in calls])
    found: list[CallEvidence] = []
    at = 0
    for call in calls:
        name = spelled.find_name(call.name, at)
        values: list[float] = []
        if name is not None:
            values, at = spelled.values_after(name[1])
        stands = said.grounding(call.arguments, call.parameters)
        margin, logprob = (
            (None, None) if name is None else spelled.name_margin(call.name, name, candidates)
        )
        found.append(
            CallEvidence(
                tool=call.name,
                effect=call.effect,
                call_margin=None if name is None else call_margin,
                name_margin=margin,
                name_logprob=logprob,
                value_min=_quantile(values, 0.0),
                value_low=_quantile(values, 0.1),
                value_mid=_quantile(values, 0.5),
                grounding=stands.lowest,
                grounded=stands.mean,
                coverage=coverage,
                ungrounded=stands.ungrounded,
                repairs=call.repairs,
                calls=len(calls),
                offered=len(candidates),
                step=history.step,
                invalid_turns=history.invalid_turns,
                tool_errors=history.tool_errors,
            )
        )
    return tuple(found)


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class _Spelled:
    """The tokens, what they spell together, and the offset at which each begins (and the last ends)."""

    tokens: Sequence[TokenLogprob]
    text: str
    offsets: Sequence[int]

    @classmethod
    def of(cls, tokens: Sequence[TokenLogprob]) -> _Spelled:
        offsets = list(accumulate((len(token.text) for token in tokens), initial=0))
        return cls(tokens, "".join(token.text for token in tokens), offsets)

    def call_margin(self) -> float | None:
        """Of the first call marker over whatever else could have stood there."""
        for token in self.tokens:
            if token.text.startswith(CALL_MARKER):
                others = [lp for text, lp in token.alternatives if not text.startswith(CALL_MARKER)]
                return _held(token.logprob - max(others)) if others else None
        return None

    def find_name(self, name: str, at: int) -> tuple[int, int] | None:
        """Where the name stands from `at` on, without quotes; None when it can't be found."""
        for written, quote in (
            (json.dumps(name, ensure_ascii=False), 1),
            (f"{CALL_MARKER}{name}", 0),
        ):
            found = self.text.find(written, at)
            if found >= 0:
                start = found + (quote or len(CALL_MARKER))
                return start, start + len(written) - (2 if quote else len(CALL_MARKER))
        return None

    def name_margin(
        self, name: str, span: tuple[int, int], candidates: Sequence[str]
    ) -> tuple[float | None, float]:
        """Margin over the best other candidate (None: no alternatives were told), and log-probability.

        The token that ends the name counts: `get` and `get_all` part there.
        """
        rivals = [other for other in candidates if other != name]
        chosen = 0.0
        best: float | None = None
        unseen: float | None = None
        for index in self._overlapping(span[0], span[1] + 1):
            token, start = self.tokens[index], self.offsets[index]
            before = self.text[span[0] : max(start, span[0])]
            lead = self.text[start : span[0]]
            for text, logprob in token.alternatives:
                if text.startswith(lead) and _leads_to(before + text[len(lead) :], name, rivals):
                    best = max(chosen + logprob, best if best is not None else -1e9)
            if token.alternatives:
                unseen = max(chosen + _unseen(token), unseen if unseen is not None else -1e9)
            chosen += token.logprob
        rival = best if best is not None else unseen
        if not rivals:
            return CERTAIN, _held(chosen)
        return (None if rival is None else _held(chosen - rival)), _held(chosen)

    def values_after(self, at: int) -> tuple[list[float], int]:
        """Log-probabilities of the tokens of values in the first JSON object from `at`, and its end."""
        begin = self.text.find("{", at)
        if begin < 0:
            return [], at
        depth, end = 0, len(self.text)
        indices: set[int] = set()
        for piece in _PIECES.finditer(self.text, begin):
            if piece[0] in "{[":
                depth += 1
            elif piece[0] in "}]":
                depth -= 1
                if depth == 0:
                    end = piece.end()
                    break
            elif not (piece[0].startswith('"') and _COLON.match(self.text, piece.end())):
                is_text = piece[0].startswith('"')
                # A string's closing quote, and what follows a number, say that the value ends there.
                indices.update(
                    self._overlapping(piece.start() + is_text, piece.end() + (not is_text))
                )
        return [_held(self.tokens[index].logprob) for index in sorted(indices)], end

    def _overlapping(self, start: int, end: int) -> range:
        """Indices of the tokens that spell a part of `text[start:end]`."""
        first = bisect_right(self.offsets, start) - 1
        return range(max(first, 0), min(bisect_left(self.offsets, end), len(self.tokens)))


def _unseen(token: TokenLogprob) -> float:
    """The most that a token which was not reported can have: no more than those that were, or is left."""
    told = [logprob for _, logprob in token.alternatives]
    left = 1.0 - sum(map(exp, told))
    return min(*told, log(left) if left > 0 else -CERTAIN)


def _leads_to(spelled: str, name: str, rivals: Sequence[str]) -> bool:
    """Whether a name that begins like this is another candidate's and can't become `name`."""
    for end in ('"', "["):
        whole, ended, _ = spelled.partition(end)
        if ended:
            return whole in rivals
    return not name.startswith(spelled) and any(rival.startswith(spelled) for rival in rivals)


def _quantile(values: Sequence[float], share: float) -> float | None:
    """The value below which about `share` of the values lie; None without values."""
    if not values:
        return None
    return sorted(values)[int(share * (len(values) - 1))]


def _held(value: float) -> float:
    return max(-CERTAIN, min(CERTAIN, value))
