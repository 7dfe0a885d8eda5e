"""What a target is said to enforce, compared with the schema, and with what an engine does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from jsonschema import Draft202012Validator

from bench.schema_targets.corpus import Tried
from routing.targets.every import compile_targets
from routing.targets.target import Compiled

TEXTS_BEYOND_JSON_SCHEMA = ("format", "multipleOf", "const", "enum")
"""Listed as narrower, and no validator can say how: formats, negative multiples, how a number is spelled."""


@dataclass(slots=True)
class Compared:
    """Counts of arguments by verdict: `alike`, `wider` and `narrower` than the schema; of schemas `refused`.

    `unlisted` are those that differ though the target's lists say nothing.
    """

    counts: Counter[str] = field(default_factory=Counter[str])
    unlisted: list[tuple[str, str, Any]] = field(default_factory=list[tuple[str, str, Any]])


def with_schemas(all_tried: Iterable[Tried]) -> dict[str, Compared]:
    """By target: what it is said to enforce beside what the schema accepts."""
    found: dict[str, Compared] = {}
    for tried in all_tried:
        for compiled in compile_targets(tried.schema):
            compared = found.setdefault(compiled.target, Compared())
            if compiled.enforced is None:
                compared.counts["refused"] += 1
                continue
            held = _judge(compiled.enforced)
            for arguments in tried.instances.accepted:
                _count(
                    compared,
                    tried,
                    arguments,
                    _kind(held(arguments), "narrower"),
                    compiled.narrower,
                )
            for arguments in tried.instances.rejected:
                _count(
                    compared, tried, arguments, _kind(not held(arguments), "wider"), compiled.wider
                )
    return found


def _judge(schema: dict[str, Any]) -> Callable[[Any], bool]:
    return cast("Callable[[Any], bool]", cast("Any", Draft202012Validator(schema)).is_valid)


def _kind(alike: object, otherwise: str) -> str:
    return "alike" if alike else otherwise


def _count(
    compared: Compared, tried: Tried, arguments: Any, kind: str, listed: Sequence[str]
) -> None:
    compared.counts[kind] += 1
    if kind != "alike" and not listed:
        compared.unlisted.append((kind, tried.name, arguments))


def with_engine(
    all_tried: Iterable[Tried],
    target: Callable[[dict[str, Any]], Compiled],
    ask: Callable[[Tried], Sequence[bool] | None],
) -> Compared:
    """What the engine does beside what its target is said to enforce; `ask` gives None where it refuses."""
    compared = Compared()
    for tried in all_tried:
        compiled = target(tried.schema)
        if compiled.enforced is None:
            continue
        answers = ask(tried)
        if answers is None:
            compared.counts["refused"] += 1
            compared.unlisted.append(("refused", tried.name, None))
            continue
        held = _judge(compiled.enforced)
        kinds = {path.rpartition(".")[2] for path in compiled.narrower}
        for arguments, accepts in zip(tried.all, answers, strict=True):
            if accepts == held(arguments):
                compared.counts["alike"] += 1
            elif (not accepts and kinds & set(TEXTS_BEYOND_JSON_SCHEMA)) or (
                accepts and any(path.endswith(".multipleOf") for path in compiled.wider)
            ):
                compared.counts["listed"] += 1
            else:
                compared.counts["differs"] += 1
                compared.unlisted.append(("differs", tried.name, arguments))
    return compared
