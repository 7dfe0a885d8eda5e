"""What an operator says about a tool whose definition comes from elsewhere: a document, a server, a function.

What it is: an `Override` laid over a `ToolSpec`. Fields are marked sensitive by their paths
(`parameters.customer.iban`, `returns.items[].iban`), every branch of a combination counts.
What it is not: the effect, which each kind of source has its own word for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, cast

from tools.bounds import UNBOUNDED, UpstreamBounds
from tools.effects import check_declared_effect
from tools.errors import RegistrationError
from tools.near import near_names
from tools.sensitive import MARK
from tools.spec import Effect, JSONObject, ReadBack, ToolSpec
from tools.versions import UNSAID, Standing
from tools.wording import show

_ITEMS = "[]"
_BRANCHES = ("allOf", "anyOf", "oneOf")
_BELOW = ("if", "then", "else")


@dataclass(frozen=True, slots=True)
class Override:
    """None, and an empty `sensitive`, leave what the definition says. Explained at `ToolSpec`.

    `standing` and `bounds` are beside the tool's definition; who registers it hands them on.
    """

    description: str | None = None
    timeout_s: float | None = None
    cache_s: float | None = None
    sensitive: tuple[str, ...] = ()
    read_back: ReadBack | None = None
    resource: str | None = None
    result_tokens: int | None = None
    standing: Standing = UNSAID
    bounds: UpstreamBounds = UNBOUNDED


def overridden(spec: ToolSpec, override: Override | None, where: str = "$") -> ToolSpec:
    """The definition with the override over it.

    Raises `RegistrationError`, whose `where` begins with `where`, for what can't be of this tool.
    """
    if override is None:
        return spec
    names = ("description", "timeout_s", "cache_s", "read_back", "resource", "result_tokens")
    given = {name: value for name in names if (value := getattr(override, name)) is not None}
    spec = replace(spec, **given)
    if override.cache_s and spec.effect is not Effect.READ:
        raise RegistrationError(
            f"{where}.cache_s", "only a tool that reads can be answered from memory: leave it out"
        )
    check_declared_effect(spec, where)
    for index, path in enumerate(override.sensitive):
        spec = _marked(spec, path, f"{where}.sensitive[{index}]")
    return spec


def require_known(names: Iterable[str], known: Iterable[str], where: str, of: str) -> None:
    """Raises `RegistrationError` for the first of `names` that is not among `known`."""
    there = list(known)
    for name in names:
        if name not in there:
            near = near_names(name, there)
            hint = f"; did you mean {show(near[0])}?" if near else ""
            raise RegistrationError(f"{where}.{name}", f"no {of}{hint}")


def _marked(spec: ToolSpec, path: str, where: str) -> ToolSpec:
    """Raises `RegistrationError` where the path leads to nothing: nobody may think that it is kept private."""
    side, *steps = path.replace(_ITEMS, f".{_ITEMS}").split(".")
    if side not in ("parameters", "returns") or not all(steps):
        raise RegistrationError(
            where, f"{show(path)}: write such as parameters.name or returns.items[].name"
        )
    schema: Mapping[str, Any] | None = getattr(spec, side)
    if schema is None:
        raise RegistrationError(where, "the tool does not declare what it returns: remove this")
    root: JSONObject = deepcopy(dict(schema))
    if not _mark(root, root, tuple(steps), frozenset()):
        raise RegistrationError(where, f"{show(path)} leads to no field of the tool's schema")
    return replace(spec, parameters=root) if side == "parameters" else replace(spec, returns=root)


def _mark(root: JSONObject, node: Any, steps: tuple[str, ...], seen: frozenset[int]) -> bool:
    """Set the mark wherever `steps` lead to from `node`; whether there is such a place."""
    if not isinstance(node, dict) or id(cast("object", node)) in seen:
        return False
    schema = cast("JSONObject", node)
    if not steps:
        schema[MARK] = True
        return True
    step, rest = steps[0], steps[1:]
    if step == _ITEMS:
        found = _mark(root, schema.get("items"), rest, frozenset())
    else:
        properties = schema.get("properties")
        named = cast("JSONObject", properties).get(step) if isinstance(properties, dict) else None
        found = _mark(root, named, rest, frozenset())
    # The same value again: no step is taken, so a circle has to be seen.
    seen |= {id(schema)}
    same = [schema.get(keyword) for keyword in _BELOW]
    for keyword in _BRANCHES:
        branches = schema.get(keyword)
        same += cast("list[Any]", branches) if isinstance(branches, list) else []
    same.append(_target(root, schema.get("$ref")))
    for each in same:
        found = _mark(root, each, steps, seen) or found
    return found


def _target(root: JSONObject, ref: Any) -> Any:
    """What a local reference leads to, None for any other."""
    if not isinstance(ref, str) or not ref.startswith("#"):
        return None
    found: Any = root
    for part in ref[1:].split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        found = cast("JSONObject", found).get(key) if isinstance(found, dict) else None
    return found
