"""`gateway effects`: calls that may have changed something, which nobody knows, at a running gateway."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from gateway.cli.client import Document
from gateway.cli.exits import explained
from gateway.cli.remote import (
    HERE,
    Json,
    Url,
    called,
    client_of,
    moment,
    path,
    print_list,
)

app = typer.Typer(
    help="Calls of which nobody knows whether they took effect: list, settle.",
    no_args_is_help=True,
)

_LIMIT = "At most so many."
_NOTE = "How you know; it is kept with the call."


class Outcome(StrEnum):
    """What a person found out."""

    DONE = "done"
    NOT_DONE = "not_done"


@app.command("list")
def list_unknown(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help=_LIMIT)] = 100,
    url: Url = HERE,
    as_json: Json = False,
) -> None:
    """List those of the key's tenant, the oldest first."""
    with explained():
        found = client_of(url).get(f"/v1/effects?limit={limit}")["data"]
    head = "run", "effect", "what was called", "why nobody knows", "begun"
    print_list(found, head, _row, as_json=as_json)


def _row(each: Document) -> tuple[str, ...]:
    return (
        each["run_id"],
        each["id"],
        called(each),
        each["note"],
        moment(each["created_at"]),
    )


@app.command()
def settle(
    run: Annotated[str, typer.Argument(help="The run, as `gateway effects list` shows it.")],
    effect: Annotated[str, typer.Argument(help="The effect in it.")],
    outcome: Annotated[Outcome, typer.Argument(help="What you found when you looked.")],
    *,
    note: Annotated[str, typer.Option(help=_NOTE)] = "",
    url: Url = HERE,
) -> None:
    """Say what became of one. What was not done may be called again, under its old key."""
    with explained():
        said = {"outcome": outcome.value, "note": note}
        told = client_of(url).post(path("runs", run, "effects", effect), said)
    typer.echo(f"{told['name']} {effect}: {told['state']}", err=True)
