"""From evidence to the probability that a call is right: fitted maps, loaded from a file.

What it is: the maps as data, and reading them. A logistic score over standardised measures, then for each
tool that had enough data a map of its own from score to probability, for the others the pooled one; and
the thresholds that were chosen for each effect.
What it is not: fitting (`routing.calibration_fit`), or the decision (`routing.escalation_calls`).

The file is JSON with a `format` number. One of another format, or one fitted on another model, is refused:
log-probabilities of one model say nothing about another's.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import exp, log1p
from pathlib import Path
from typing import Any

from routing.confidence import CallEvidence

FORMAT = 1
POOLED = "*"
"""The map of tools without one of their own; no tool's name, for `*` can't be in one."""
LEND_ALL = 1.01
"""A threshold that no probability reaches."""

FEATURES: Mapping[str, Callable[[CallEvidence], float | None]] = {
    "call_margin": lambda e: e.call_margin,
    "name_margin": lambda e: e.name_margin,
    "name_logprob": lambda e: e.name_logprob,
    "value_min": lambda e: _or_certain(e, e.value_min),
    "value_low": lambda e: _or_certain(e, e.value_low),
    "value_mid": lambda e: _or_certain(e, e.value_mid),
    "grounding": lambda e: e.grounding,
    "grounded": lambda e: e.grounded,
    "coverage": lambda e: e.coverage,
    "repaired": lambda e: float(e.repairs > 0),
    "several": lambda e: float(e.calls > 1),
    "offered": lambda e: log1p(e.offered),
    "later": lambda e: float(e.step > 1),
    "troubled": lambda e: float(e.invalid_turns + e.tool_errors > 0),
    "unmeasured": lambda e: float(not e.is_measured),
}
"""What the score is made of; None is "not known" and counts as the mean."""


class CalibrationError(Exception):
    """A file that can't be used. The text says why."""


@dataclass(frozen=True, slots=True)
class Score:
    """A logistic score: higher is better. `mean` and `scale` standardise each feature."""

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float

    def __call__(self, evidence: CallEvidence) -> float:
        total = self.bias
        for name, mean, scale, weight in zip(
            self.features, self.mean, self.scale, self.weights, strict=True
        ):
            value = FEATURES[name](evidence)
            total += 0.0 if value is None else weight * (value - mean) / scale
        return total


@dataclass(frozen=True, slots=True)
class ScoreMap:
    """From score to probability, never falling: straight lines between the points, flat outside."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __call__(self, score: float) -> float:
        at = bisect_right(self.scores, score)
        if at == 0 or at == len(self.scores):
            return self.probabilities[min(at, len(self.scores) - 1)]
        left, right = self.scores[at - 1], self.scores[at]
        low, high = self.probabilities[at - 1], self.probabilities[at]
        share = (score - left) / (right - left) if right > left else 1.0
        return min(low + (high - low) * share, high)  # rounding could lift it above


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything that `gateway calibrate` found out.

    `model` is the intermediary it was fitted on. `thresholds` and `targets` are by effect. `is_measured`
    says that it was fitted on calls with log-probabilities, so that it has nothing to say about others.
    `report` is for people.
    """

    model: str
    score: Score
    maps: Mapping[str, ScoreMap]
    thresholds: Mapping[str, float]
    targets: Mapping[str, float]
    is_measured: bool = True
    report: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def probability(self, call: CallEvidence) -> float | None:
        """Of the call being right; None where there is nothing to tell it from."""
        if self.is_measured and not call.is_measured:
            return None
        score_map = self.maps.get(call.tool) or self.maps[POOLED]
        return score_map(self.score(call))

    def threshold(self, effect: str) -> float:
        """The least probability at which calls of this effect are made; all are lent when unknown."""
        return self.thresholds.get(effect, LEND_ALL)

    def write(self, file: Path) -> None:
        """As JSON, for `read`."""
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False)
        file.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Calibration:
        """Raises `CalibrationError`, which says what is wrong with the file."""
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            found = told["format"]
            if found != FORMAT:
                raise CalibrationError(
                    f"{file} has format {found}, this version reads {FORMAT}: run `gateway calibrate`"
                )
            made = cls(
                model=str(told["model"]),
                score=_score(told["score"]),
                maps={name: _map(points) for name, points in told["maps"].items()},
                thresholds=_numbers(told["thresholds"]),
                targets=_numbers(told["targets"]),
                is_measured=bool(told["is_measured"]),
                report=told["report"],
            )
        except OSError as error:
            raise CalibrationError(f"{file} can't be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CalibrationError(f"{file} is no calibration: {error!r}") from error
        if POOLED not in made.maps:
            raise CalibrationError(f"{file} has no pooled map")
        return made


def sigmoid(value: float) -> float:
    """The logistic function, for values of any size."""
    return 1.0 / (1.0 + exp(-value)) if value >= 0 else exp(value) / (1.0 + exp(value))


def _or_certain(evidence: CallEvidence, value: float | None) -> float | None:
    """A call that was measured and has no values to get wrong is as sure of them as can be."""
    return 0.0 if value is None and evidence.is_measured else value


def _score(told: Mapping[str, Any]) -> Score:
    names = tuple(map(str, told["features"]))
    if unknown := set(names) - FEATURES.keys():
        raise ValueError(f"unknown features {sorted(unknown)}")
    columns = [_floats(told[key], len(names)) for key in ("mean", "scale", "weights")]
    if 0.0 in columns[1]:
        raise ValueError("a scale is 0")
    return Score(names, *columns, bias=float(told["bias"]))


def _map(told: Mapping[str, Any]) -> ScoreMap:
    scores = _floats(told["scores"], len(told["scores"]))
    probabilities = _floats(told["probabilities"], len(scores))
    rising = list(scores) == sorted(scores) and list(probabilities) == sorted(probabilities)
    if not scores or not rising:
        raise ValueError("a map that falls, or has no points")
    return ScoreMap(scores, probabilities)


def _floats(values: Sequence[Any], count: int) -> tuple[float, ...]:
    if len(values) != count:
        raise ValueError(f"{len(values)} numbers, {count} expected")
    return tuple(map(float, values))


def _numbers(told: Mapping[str, Any]) -> dict[str, float]:
    return {str(key): float(value) for key, value in told.items()}
