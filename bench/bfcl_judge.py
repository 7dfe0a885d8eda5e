"""Whether calls are what a BFCL row accepts: the idea of the leaderboard's check, in our own reading of it.

A row accepts a call for each of its truth calls, in any order, and no other. Of a call, each argument is one of
the values that are accepted; one that is missing must be allowed to be (`""` is among them). Texts are compared without
case, spaces and punctuation, whole numbers are numbers, and nothing else is let pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

Truth = tuple[str, Mapping[str, Sequence[Any]]]
Made = tuple[str, Mapping[str, Any]]


def is_right(made: Sequence[Made], truth: Sequence[Truth]) -> bool:
    """Whether the calls can be laid beside the truth one by one."""
    if len(made) != len(truth):
        return False
    if not made:
        return True
    first, *rest = made
    return any(
        _is_accepted(first, wanted) and is_right(rest, [*truth[:at], *truth[at + 1 :]])
        for at, wanted in enumerate(truth)
    )


def strays(made: Sequence[Made], truth: Sequence[Truth]) -> int:
    """How many of the calls are none of the truth's, each of which counts once."""
    left = list(truth)
    found = 0
    for call in made:
        wanted = next((each for each in left if _is_accepted(call, each)), None)
        if wanted is None:
            found += 1
        else:
            left.remove(wanted)
    return found


def _is_accepted(made: Made, wanted: Truth) -> bool:
    name, arguments = made
    known = wanted[1]
    if name != wanted[0] or not arguments.keys() <= known.keys():
        return False
    return all(
        _is_among(arguments[each], accepted) if each in arguments else "" in accepted
        for each, accepted in known.items()
    )


def _is_among(value: Any, accepted: Sequence[Any]) -> bool:
    return any(_is_same(value, each) for each in accepted)


def _is_same(value: Any, accepted: Any) -> bool:
    if isinstance(value, dict) and isinstance(accepted, dict):
        ours, theirs = cast("dict[str, Any]", value), cast("dict[str, Any]", accepted)
        lists: dict[str, list[Any]] = {
            name: each if isinstance(each, list) else [each] for name, each in theirs.items()
        }
        return _is_accepted(("", ours), ("", lists))
    if isinstance(value, list) and isinstance(accepted, list):
        pairs = zip(cast("list[Any]", value), cast("list[Any]", accepted), strict=False)
        return len(value) == len(accepted) and all(_is_same(*pair) for pair in pairs)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, str) and isinstance(accepted, str):
        return _plain(value) == _plain(accepted)
    if isinstance(value, bool) or isinstance(accepted, bool):
        return value is accepted
    return bool(value == accepted)


def _plain(text: str) -> str:
    kept = (each for each in text.casefold() if each.isalnum() or each not in " ,./-_*^'\"")
    return "".join(kept)
