"""Whether a text is the structured answer that was asked for.

What it is: a judgement of text: read leniently, repaired where
nothing is lost or guessed, checked against the schema. It holds for every backend, whatever the engine
promises about its constraint.
What it is not: what that means for a turn (`answer.py`), or for the run (`loop.py`).

Read leniently means: one fenced block, or one JSON object or array with prose around it, is what was
meant. Two of them are not; nothing chooses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from gateway.agent.code_blocks import code_blocks
from tools.repair import Parsed, ParseProblem, parse_value, repair_arguments
from tools.schema import CompiledSchema, compile_schema
from tools.spec import Problem

_SCHEMA_SHOWN = 4000
"""Characters of a schema that is repeated to a model which has to mend its answer."""
_DATA_LANGUAGES = frozenset({"", "json", "json5", "jsonc"})
_READER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """`text` is strict JSON that satisfies the schema; `repairs` is what was changed, one line each."""

    text: str
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """What is wrong, and where: a JSON path."""

    message: str
    path: str = "$"

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class AnswerForm:
    """What an answer's text has to be. Raises `RegistrationError` for a schema that is refused."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._spelled = orjson.dumps(dict(schema)).decode()
        self._schema = _compiled(self._spelled)

    def read(self, text: str) -> Accepted | Rejected:
        """Judge a text. Never raises; time and memory are bounded."""
        text = text.strip()
        found = self._check(text)
        if isinstance(found, Accepted) or found.path != "$":
            return found
        for inner, repair in _inside(text):
            read = self._check(inner)
            if isinstance(read, Accepted):
                return Accepted(read.text, (repair, *read.repairs))
            if isinstance(parse_value(inner), Parsed):
                return read  # what is wrong with it helps more than that prose is no JSON
        return found

    def advice(self, rejected: Rejected) -> str:
        """What the model is told so that it can mend its answer."""
        told = f"Your answer does not have the form that was asked for, at {rejected}."
        wanted = "Answer again with one JSON value and nothing else, without a code fence."
        if len(self._spelled) > _SCHEMA_SHOWN:
            return f"{told} {wanted}"
        return f"{told} {wanted} It has to satisfy this JSON Schema: {self._spelled}"

    def _check(self, text: str) -> Accepted | Rejected:
        parsed = parse_value(text)
        if isinstance(parsed, ParseProblem):
            return Rejected(_worded(parsed))
        repairs: list[str] = []
        value: Any = repair_arguments(parsed.value, self._schema, repairs)
        if (problem := self._schema.check(value)) is not None:
            return Rejected(problem.message, problem.path)
        if not repairs and not _is_strict(text):
            repairs.append("$: control characters in a text escaped")
        return Accepted(json.dumps(value, ensure_ascii=False) if repairs else text, tuple(repairs))


@lru_cache(maxsize=64)
def _compiled(schema: str) -> CompiledSchema:
    """Apps ask for the same few forms again and again."""
    return compile_schema(orjson.loads(schema), "$")


def _inside(text: str) -> list[tuple[str, str]]:
    """What in a text may be meant as the answer, and how that is told; the likelier first."""
    found: list[tuple[str, str]] = []
    fenced = [block for block in code_blocks(text) if block.language.lower() in _DATA_LANGUAGES]
    if len(fenced) == 1:
        found.append((fenced[0].code.strip(), "$: taken out of a code fence"))
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts:
        return found
    start = min(starts)
    try:
        _, end = _READER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return found
    if not any(bracket in text[end:] for bracket in "{["):
        found.append((text[start:end], "$: text around the JSON dropped"))
    return found


def _worded(problem: ParseProblem) -> str:
    """A parser's complaint, which speaks of a call's arguments, about an answer."""
    match problem.problem:
        case Problem.TRUNCATED:
            return "the JSON ends in the middle"
        case Problem.TOO_LARGE:
            return "too large or nested too deep"
        case _:
            return problem.message


def _is_strict(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
