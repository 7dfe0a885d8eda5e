"""Everything that is wrong with an entry, though who looks at it stops at the first of it.

What it is: the entry is tried again without what was refused, until nothing more is or nothing can be left
out: by its form, then by registration. What follows only from something being left out is not told.
What it is not: a repair that anyone gets to see.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

from pydantic import ValidationError

from gateway.manifests.entries import Entry
from gateway.manifests.placed import Placed
from gateway.manifests.problem import Problem
from tools.errors import RegistrationError
from tools.schema_document import SCHEMA_MAPS
from tools.yaml_marks import Path

_MOST = 50
_ROUNDS = 3
_STAND_INS: dict[Path, Any] = {
    ("name",): "a-name-that-nobody-has",
    ("description",): "",
    ("parameters",): {"type": "object"},
    ("executor",): {"kind": "http", "method": "GET", "url": "https://example.invalid/"},
    ("executor", "kind"): "http",
    ("executor", "method"): "GET",
    ("executor", "url"): "https://example.invalid/",
}
_SCHEMAS = ("parameters", "returns")
_NOTHING = object()
_NEEDED = (("function",), ("spec",), ("kind",))


def every_problem(placed: Placed, attempt: Callable[[dict[str, Any]], object]) -> list[Problem]:
    """What `attempt` refuses (`RegistrationError`) of the entry's data, one thing after another."""
    data = deepcopy(dict(placed.data))
    found: list[Problem] = []
    mended: list[Path] = []
    for _ in range(_MOST):
        try:
            attempt(data)
        except RegistrationError as error:
            path = _inside(placed, error)
            if path is None or not any(_follows(path, each) for each in mended):
                found.append(placed.problem(error))
            if path is None or not _mend(data, path):
                break
            mended.append(path)
        except ValidationError:  # what was left out is needed
            break
        else:
            break
    return found


def without_mistakes(
    model: type[Entry], given: dict[str, Any]
) -> tuple[Entry, dict[str, Any]] | None:
    """The entry as it would be without the mistakes in its form, and its data; None if nothing is left."""
    data = deepcopy(given)
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(data), data
        except ValidationError as error:
            for detail in error.errors():
                if not _mend(data, detail["loc"]):
                    return None
    return None


def _inside(placed: Placed, error: RegistrationError) -> Path | None:
    try:
        return placed.path(error.where)[len(placed.at) :]
    except LookupError:
        return None


def _follows(path: Path, mended: Path) -> bool:
    """Whether something may be wrong at `path` only because of what was done to `mended`."""
    return path == mended[:-1] or path[: len(mended)] == mended


def _mend(data: dict[str, Any], path: Path) -> bool:
    """Put something harmless there, or nothing; whether that is another thing than before."""
    if not path or path in _NEEDED:
        return False
    around: Any = data
    for part in path[:-1]:
        around = _member(around, part)
    key, before = path[-1], _member(around, path[-1])
    stand_in: Any = _STAND_INS.get(path)
    is_item = isinstance(key, int)
    if is_item and (path[0] not in _SCHEMAS or before is _NOTHING):
        return _mend(data, path[:-1])
    if is_item or (len(path) > 1 and path[-2] in SCHEMA_MAPS):
        stand_in = dict[str, Any]()
    can_be_put = stand_in is not None and _holds(around)
    if before == stand_in or (before is _NOTHING and not can_be_put):
        return _mend(data, path[:-1])
    if stand_in is None:
        del around[key]
    else:
        around[key] = deepcopy(stand_in)
    return True


def _holds(value: object) -> bool:
    return isinstance(value, dict | list)


def _member(inside: object, key: str | int) -> Any:
    """What a mapping or list has there, `_NOTHING` where it has none or is neither."""
    if isinstance(inside, dict):
        return cast("dict[str | int, Any]", inside).get(key, _NOTHING)
    if isinstance(inside, list) and isinstance(key, int):
        items = cast("list[Any]", inside)
        return items[key] if key < len(items) else _NOTHING
    return _NOTHING
