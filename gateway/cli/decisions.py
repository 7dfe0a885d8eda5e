"""Recorded decisions: a line of JSON for each call that a model proposed, and whether it was right.

    {"model": "nano", "group": "en-07", "right": true, "evidence": {"tool": "calculate", …}}

`evidence` is what a run's trace holds of it (`routing.confidence.CallEvidence`). `gateway eval --record`
writes such lines; anybody who knows outcomes can.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

from gateway.cli.exits import CommandError, Exit
from routing.calibration_fit import Decision
from routing.confidence import CallEvidence

_KNOWN = frozenset(field.name for field in fields(CallEvidence))


@dataclass(frozen=True, slots=True)
class Recorded:
    """The decisions of one model."""

    model: str
    decisions: tuple[Decision, ...]


def line(model: str, group: str, evidence: Mapping[str, Any], *, right: bool) -> str:
    """One decision as it is written."""
    told = {"model": model, "group": group, "right": right, "evidence": dict(evidence)}
    return json.dumps(told, ensure_ascii=False) + "\n"


def of_run(run: Mapping[str, Any], group: str, right: Sequence[bool]) -> Iterator[str]:
    """The lines of a run's trace. `right` tells of each of its calls, in order, whether it was."""
    outcomes = iter(right)
    for step in run["steps"]:
        told = [next(outcomes) for _ in step["calls"]]
        if step["role"] == "intermediary" and len(step["evidence"]) == len(told):
            for evidence, is_right in zip(step["evidence"], told, strict=True):
                yield line(step["model"], group, evidence, right=is_right)


def read(files: Iterable[Path]) -> Recorded:
    """Every decision in the files. Raises `CommandError` that names the line that is wrong."""
    found: list[Decision] = []
    models: set[str] = set()
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file}: {error}", code=Exit.USAGE) from error
        for number, each in enumerate(text.splitlines(), 1):
            if each.strip():
                try:
                    told = json.loads(each)
                    models.add(str(told["model"]))
                    found.append(_decision(told))
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    problem = f"{file}:{number}: no decision: {error!r}"
                    raise CommandError(problem, code=Exit.USAGE) from error
    if len(models) > 1:
        problem = f"decisions of several models: {', '.join(sorted(models))}"
        hint = "the probabilities of one say nothing about another's: calibrate each for itself"
        raise CommandError(problem, hint, code=Exit.USAGE)
    return Recorded(next(iter(models), ""), tuple(found))


def _decision(told: Mapping[str, Any]) -> Decision:
    evidence = cast("Mapping[str, Any]", told["evidence"])
    known = {key: value for key, value in evidence.items() if key in _KNOWN}
    known["ungrounded"] = tuple(known.get("ungrounded", ()))
    if not isinstance(told["right"], bool):
        raise TypeError("`right` is not true or false")
    return Decision(CallEvidence(**known), told["right"], str(told.get("group", "")))
