"""`tool_choice` of a Responses request: a word, one function, or some of the tools and a word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from gateway.api.errors import ApiError
from routing.backend import NamedTool, ToolChoice

_MODES = ("auto", "none", "required")
_MOST_ALLOWED = 128


@dataclass(frozen=True, slots=True)
class Choice:
    """What the model may call. `allowed` are names, None for every offered tool.

    `echo` is the choice as the response repeats it.
    """

    wanted: ToolChoice
    allowed: tuple[str, ...] | None
    echo: Any


def read_choice(value: object) -> Choice:
    """Read a `tool_choice`. Raises `ApiError` 400 with the place of what is wrong."""
    if value is None:
        return Choice("auto", None, "auto")
    if value in _MODES:
        return Choice(value, None, value)
    if not isinstance(value, dict):
        raise _wrong("tool_choice is auto, none, required, a function or allowed_tools")
    wire = cast("dict[str, Any]", value)
    match wire.get("type"):
        case "function":
            name = _function(wire, "tool_choice")
            return Choice(NamedTool(name), None, {"type": "function", "name": name})
        case "allowed_tools":
            return _allowed(wire)
        case kind:
            problem = f"a tool_choice of type {str(kind)[:64]!r} is not supported"
            raise _wrong(problem, "tool_choice.type")


def _allowed(wire: Mapping[str, Any]) -> Choice:
    _only(wire, ("type", "mode", "tools"), "tool_choice")
    mode = wire.get("mode") or "auto"
    if mode not in _MODES:
        raise _wrong("mode is auto, none or required", "tool_choice.mode")
    tools = wire.get("tools")
    if not isinstance(tools, list):
        raise _wrong("tools is a list of functions", "tool_choice.tools")
    each = cast("list[object]", tools)
    if not 1 <= len(each) <= _MOST_ALLOWED:
        raise _wrong(f"tools has 1 to {_MOST_ALLOWED} functions", "tool_choice.tools")
    names: list[str] = []
    for i, tool in enumerate(each):
        where = f"tool_choice.tools[{i}]"
        if not isinstance(tool, dict):
            raise _wrong("a function is an object with a type and a name", where)
        names.append(_function(cast("dict[str, Any]", tool), where))
    allowed = tuple(dict.fromkeys(names))
    if mode == "none":
        return Choice("none", allowed, "none")
    functions = [{"type": "function", "name": name} for name in allowed]
    return Choice(mode, allowed, {"type": "allowed_tools", "mode": mode, "tools": functions})


def _function(wire: Mapping[str, Any], where: str) -> str:
    _only(wire, ("type", "name"), where)
    if wire.get("type") != "function":
        raise _wrong("only functions can be chosen", f"{where}.type")
    name = wire.get("name")
    if not isinstance(name, str) or not name:
        raise _wrong("name is the name of a function", f"{where}.name")
    return name


def _only(wire: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in wire:
        if key not in keys:
            param = f"{where}.{key[:64]}"
            raise ApiError(
                400, f"unknown parameter: {param}", param=param, code="unknown_parameter"
            )


def _wrong(problem: str, param: str = "tool_choice") -> ApiError:
    return ApiError(400, problem, param=param, code="invalid_value")
