"""`gateway audit`: is the log whole, and what stands in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import CommandError, Exit, explained
from gateway.cli.stored import in_stores

if TYPE_CHECKING:
    from gateway.compose.stores import Stores

app = typer.Typer(help="The audit log: verify, show.", no_args_is_help=True)

Config = Annotated[Path | None, typer.Option(help="The configuration file (YAML).")]
_ANCHOR = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


@app.command()
def verify(
    *,
    anchor: Annotated[
        str | None, typer.Option(help="NUMBER:DIGEST as noted earlier: finds what was cut off.")
    ] = None,
    config: Config = None,
) -> None:
    """Check every entry against the one before it; exit code 1 when the log was changed."""
    from gateway.access import audit

    with explained():
        noted = None
        if anchor is not None:
            if (found := _ANCHOR.fullmatch(anchor)) is None:
                raise CommandError("--anchor takes NUMBER:DIGEST", code=Exit.USAGE)
            noted = int(found[1]), found[2]
        told = in_stores(config, lambda stores: audit.verify(stores.audit, noted))
    if told.problem is not None:
        typer.secho(f"the log is not whole: {told.problem}", err=True, fg=typer.colors.RED)
        raise typer.Exit(Exit.NO)
    typer.echo(f"{told.entries} entries, whole; note elsewhere: {told.entries}:{told.last}")


@app.command()
def show(
    *,
    after: Annotated[int, typer.Option(min=0, help="Begin behind this number.")] = 0,
    config: Config = None,
) -> None:
    """Print the entries, a line of JSON each."""

    async def all_of(stores: Stores) -> None:
        number = after
        while page := await stores.audit.page(number):
            for one in page:
                typer.echo(f"{one.number} {one.text}")
            number = page[-1].number

    with explained():
        in_stores(config, all_of)
