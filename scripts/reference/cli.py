"""docs/reference/cli.md, from the command itself."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from scripts.reference.writing import code, head, table, whole

_ABOUT = (
    "The `gateway` command; in a checkout it is `.venv/bin/gateway`. Every command tells the same with `--help`."
    " Exit codes: 0 done; 1 the answer is no (a fault found, a score too low, a tool that failed); 2 used wrongly,"
    " or a configuration that can't be used; 3 something can't be reached; 130 interrupted."
)
_KINDS: dict[Any, str] = {str: "text", int: "integer", float: "number", Path: "path"}
_EVERYWHERE = frozenset({"--help", "--install-completion", "--show-completion"})


def page() -> str:
    """The page."""
    import typer.main

    from gateway.cli import commands

    lines = head("The command line", "gateway/cli/", _ABOUT)
    for name, command in _commands("gateway", typer.main.get_command(commands())):
        lines += ["", f"## `{name}`", "", " ".join((command.help or "").split())]
        arguments = [each for each in command.params if each.param_type_name == "argument"]
        usage = " ".join([name, "[OPTIONS]", *(_placed(each) for each in arguments)])
        lines += ["", f"    {usage}"]
        rows = [_row(each) for each in command.params if not _EVERYWHERE & set(each.opts)]
        lines += table(("", "type", "default", ""), rows)
    return whole(lines)


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for each, inner in sorted(below.items()):
        yield from _commands(f"{name} {each}", inner)


def _placed(argument: Any) -> str:
    shown = argument.name.upper() + ("..." if argument.nargs == -1 else "")
    return shown if argument.required else f"[{shown}]"


def _row(parameter: Any) -> tuple[str, str, str, str]:
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        names = [parameter.name.upper()]
    default = getattr(parameter.default, "value", parameter.default)
    empty = default is None or default is False or default in ((), "")
    shown = "required" if parameter.required else "" if empty else code(default)
    return ", ".join(map(code, names)), _kind(parameter), shown, parameter.help or ""


def _kind(parameter: Any) -> str:
    annotation = parameter.type_descriptor.annotation
    if get_origin(annotation) is Literal:
        return ", ".join(map(code, get_args(annotation)))
    annotation = next(iter(get_args(annotation)), annotation)  # of a list
    if annotation is bool:
        return "flag"
    if issubclass(annotation, Enum):
        return ", ".join(code(each.value) for each in annotation)
    name = _KINDS[annotation]
    bounds = [
        f"{sign} {bound}"
        for sign, bound in (("≥", parameter.min), ("≤", parameter.max))
        if bound is not None
    ]
    name = " ".join([name, *bounds])
    return f"{name}, repeatable" if parameter.multiple or parameter.nargs == -1 else name
