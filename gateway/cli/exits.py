"""How a command ends: the exit codes, and errors turned into words for people.

0    done, and the answer is yes
1    done, and the answer is no: a fault found, a score too low, a tool that failed
2    used wrongly, or the configuration can't be used
3    the gateway, or something that it needs to start, can't be reached
130  interrupted (Ctrl-C)
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from enum import IntEnum
from typing import NoReturn

import typer


class Exit(IntEnum):
    """The exit codes, as documented above."""

    OK = 0
    NO = 1
    USAGE = 2
    UNREACHABLE = 3


class CommandError(Exception):
    """A command can't go on. The text is for people; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "", *, code: Exit = Exit.UNREACHABLE) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


def fail(message: str, hint: str = "", *, code: Exit) -> NoReturn:
    """Tells what is wrong on standard error, and ends the command."""
    typer.secho(f"error: {message}", err=True, fg=typer.colors.RED)
    if hint:
        typer.echo(f"  {hint}", err=True)
    raise typer.Exit(code)


@contextmanager
def explained() -> Generator[None]:
    """Ends the command with words, not a traceback, on what people can mend themselves."""
    from gateway.settings import SettingsError

    try:
        yield
    except SettingsError as error:
        for problem in error.problems:
            typer.secho(f"error: {problem}", err=True, fg=typer.colors.RED)
        if error.hint:
            typer.echo(f"  {error.hint}", err=True)
        raise typer.Exit(Exit.USAGE) from None
    except CommandError as error:
        fail(str(error), error.hint, code=error.code)
