"""`gateway approvals`: calls that a rule lets a person decide, at a running gateway."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gateway.cli.client import Document
from gateway.cli.exits import CommandError, Exit, explained
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
    help="Calls that wait for a person: list, approve, edit, reject.", no_args_is_help=True
)

Run = Annotated[str, typer.Argument(help="The run, as `gateway approvals list` shows it.")]
Call = Annotated[str, typer.Argument(help="The call in it.")]
_LIMIT = "At most those of so many runs."


@app.command("list")
def list_waiting(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help=_LIMIT)] = 100,
    url: Url = HERE,
    as_json: Json = False,
) -> None:
    """List the calls of the key's tenant that wait, the oldest first."""
    with explained():
        found = client_of(url).get(f"/v1/approvals?limit={limit}")["data"]
    head = "run", "call", "what would run", "why it waits", "until"
    print_list(found, head, _row, as_json=as_json)


def _row(each: Document) -> tuple[str, ...]:
    return (
        each["run_id"],
        each["call_id"],
        called(each),
        each["reason"],
        moment(each["expires_at"]),
    )


@app.command()
def approve(run: Run, call: Call, *, url: Url = HERE) -> None:
    """Let a call run as it is."""
    _decide(run, call, {"decision": "approve"}, url)


@app.command()
def edit(
    run: Run,
    call: Call,
    arguments: Annotated[str, typer.Argument(help="The arguments to run it with, as JSON.")],
    *,
    url: Url = HERE,
) -> None:
    """Let a call run with other arguments."""
    with explained():
        try:
            changed = json.loads(arguments)
        except ValueError as error:
            raise CommandError(f"the arguments are no JSON: {error}", code=Exit.USAGE) from error
    _decide(run, call, {"decision": "edit", "arguments": changed}, url)


@app.command()
def reject(
    run: Run,
    call: Call,
    *,
    reason: Annotated[str, typer.Option(help="The model reads it, and may try another way.")] = "",
    url: Url = HERE,
) -> None:
    """Let a call not run."""
    why = {"reason": reason} if reason else {}
    _decide(run, call, {"decision": "reject", **why}, url)


def _decide(run: str, call: str, decision: Document, url: str) -> None:
    with explained():
        told = client_of(url).post(path("runs", run, "approvals", call), decision)
    left = len(told["waiting"])
    goes_on = f"{left} more to decide in this run" if left else "the run goes on"
    typer.echo(f"{told['name']}: {decision['decision']}; {goes_on}", err=True)
