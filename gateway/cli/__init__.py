"""The `gateway` command. What a command needs is imported when it runs, so that `--help` is fast.

Exit codes: 0 done; 1 the answer is no (a fault found, a score too low, a tool that failed); 2 used
wrongly, or a configuration that can't be used; 3 something can't be reached; 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated

import typer

_COMMANDS = {
    "serve": "serve",
    "chat": "chat",
    "tools": "app",
    "audit": "app",
    "keys": "app",
    "policy": "app",
    "runs": "app",
    "approvals": "app",
    "effects": "app",
    "schedules": "app",
    "stats": "stats",
    "doctor": "doctor",
    "config": "app",
    "eval": "evaluate",
    "calibrate": "calibrate",
}
"""What each command's module, `gateway.cli.NAME`, has for it: a function, or an `app` with commands below."""
_MODULES = {"eval": "evaluate"}
"""Modules that can't have the command's name, or read badly with it."""


def commands(names: Iterable[str] = _COMMANDS) -> typer.Typer:
    """The command line, with all commands or with some."""
    app = typer.Typer(
        name="gateway",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="A gateway for agentic function calling. Start with `gateway serve`, or `gateway doctor`.",
        epilog="Exit codes: 0 done; 1 the answer is no; 2 used wrongly; 3 not reachable; 130 interrupted.",
    )
    app.callback()(gateway)
    for name in names:
        found = getattr(import_module(f"gateway.cli.{_MODULES.get(name, name)}"), _COMMANDS[name])
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's signature
    if asked:
        from importlib.metadata import version

        typer.echo(version("agentic-gateway"))
        raise typer.Exit


def gateway(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A small model calls your tools; every call is validated, allowed and traced."""


def main() -> None:
    """The entry point of the `gateway` command."""
    # Typer looks into every function that it is given; the others' are not what is asked for.
    asked = [name for name in sys.argv[1:2] if name in _COMMANDS]
    commands(asked or _COMMANDS)()
