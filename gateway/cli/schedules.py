"""`gateway schedules`: requests that come again by themselves, at a running gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.client import Document
from gateway.cli.exits import CommandError, Exit, explained
from gateway.cli.remote import (
    HERE,
    Json,
    Url,
    client_of,
    moment,
    path,
    print_json,
    print_list,
)
from gateway.cli.when import span

app = typer.Typer(
    help="Requests that come again: create, list, show, runs, edit, pause, resume, delete.",
    no_args_is_help=True,
)

Id = Annotated[str, typer.Argument(help="The schedule's id, as `gateway schedules list` shows it.")]
RequestFile = Annotated[
    Path | None,
    typer.Option(
        "--request", help="A file with the request instead: a body of POST /v1/responses."
    ),
]
Cron = Annotated[str | None, typer.Option(help="When: '0 9 * * 1-5' is 9:00 on weekdays.")]
Every = Annotated[str | None, typer.Option(help="Or: after each 30m, 12h, 7d.")]
At = Annotated[str | None, typer.Option(help="Or: once, at 2027-01-31T09:00.")]
Zone = Annotated[str | None, typer.Option(help="Of --cron and --at: Europe/Paris; else UTC.")]
_MISSED = "Times at which no gateway ran: one run for all, all, or none."
_OVERLAP = "While the run before goes on: skip this one, or queue it."


@app.command()
def create(
    text: Annotated[str | None, typer.Argument(help="What to ask.")] = None,
    *,
    request: RequestFile = None,
    cron: Cron = None,
    every: Every = None,
    at: At = None,
    time_zone: Zone = None,
    name: Annotated[str, typer.Option(help="For people.")] = "",
    missed: Annotated[str, typer.Option(help=_MISSED)] = "one",
    overlap: Annotated[str, typer.Option(help=_OVERLAP)] = "skip",
    url: Url = HERE,
) -> None:
    """Keep a request that comes again, with the authority of the key; prints its id."""
    with explained():
        body = {"when": _times(cron, every, at, time_zone), "request": _request(text, request)}
        made = client_of(url).post(
            "/v1/schedules", {**body, "name": name, "missed": missed, "overlap": overlap}
        )
        typer.echo(f"first run at {moment(made['next_at'])}", err=True)
        typer.echo(made["id"])


@app.command()
def edit(
    schedule_id: Id,
    text: Annotated[str | None, typer.Argument(help="What to ask from now on.")] = None,
    *,
    request: RequestFile = None,
    cron: Cron = None,
    every: Every = None,
    at: At = None,
    time_zone: Zone = None,
    name: Annotated[str | None, typer.Option(help="For people.")] = None,
    missed: Annotated[str | None, typer.Option(help=_MISSED)] = None,
    overlap: Annotated[str | None, typer.Option(help=_OVERLAP)] = None,
    url: Url = HERE,
) -> None:
    """Change what is named of it; it acts for this key from then on."""
    with explained():
        asked = None if text is None and request is None else _request(text, request)
        said: Document = {
            "when": _times(cron, every, at, time_zone) or None,
            "request": asked,
            "name": name,
            "missed": missed,
            "overlap": overlap,
        }
        change = {key: value for key, value in said.items() if value is not None}
        if not change:
            raise CommandError("say what is to change", code=Exit.USAGE)
        found = client_of(url).patch(_path(schedule_id), change)
        typer.echo(f"next run at {moment(found['next_at'])}", err=True)


@app.command("list")
def list_schedules(*, url: Url = HERE, as_json: Json = False) -> None:
    """List the schedules of the key's tenant, newest first."""
    with explained():
        found = client_of(url).get("/v1/schedules")["data"]
    print_list(found, ("schedule", "name", "when", "state", "next"), _row, as_json=as_json)


@app.command()
def show(schedule_id: Id, *, url: Url = HERE) -> None:
    """Show one as JSON: what it asks, when it comes next, and why it does not."""
    with explained():
        print_json(client_of(url).get(_path(schedule_id)))


@app.command()
def runs(
    schedule_id: Id,
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 20,
    url: Url = HERE,
    as_json: Json = False,
) -> None:
    """List its last runs, newest first, and what became of them."""
    with explained():
        found = client_of(url).get(f"{_path(schedule_id)}/runs?limit={limit}")["data"]
    head = "run", "due", "outcome", "response", "trace, or why not"
    print_list(found, head, _run_row, as_json=as_json)


@app.command()
def pause(schedule_id: Id, *, url: Url = HERE) -> None:
    """Begin no further run until it is resumed."""
    with explained():
        client_of(url).post(f"{_path(schedule_id)}/pause", {})
    typer.echo(f"paused {schedule_id}", err=True)


@app.command()
def resume(schedule_id: Id, *, url: Url = HERE) -> None:
    """Go on with its next time from now."""
    with explained():
        found = client_of(url).post(f"{_path(schedule_id)}/resume", {})
    typer.echo(f"next run at {moment(found['next_at'])}", err=True)


@app.command()
def delete(schedule_id: Id, *, url: Url = HERE) -> None:
    """Forget a schedule; the responses that it brought stay."""
    with explained():
        client_of(url).delete(_path(schedule_id))
    typer.echo(f"deleted {schedule_id}", err=True)


def _row(each: Document) -> tuple[str, ...]:
    when = _when(each["when"])
    return each["id"], each["name"], when, each["state"], moment(each["next_at"])


def _run_row(each: Document) -> tuple[str, ...]:
    return (
        str(each["number"]),
        moment(each["due_at"]),
        each["outcome"],
        each["status"] or "",
        each["run_id"] or each["reason"] or "",
    )


def _path(schedule_id: str) -> str:
    return path("schedules", schedule_id)


def _times(cron: str | None, every: str | None, at: str | None, time_zone: str | None) -> Document:
    said = {"cron": cron, "at": at, "time_zone": time_zone}
    when: Document = {key: value for key, value in said.items() if value is not None}
    return when if every is None else {**when, "every_s": span(every)}


def _request(text: str | None, file: Path | None) -> Document:
    if (text is None) == (file is None):
        raise CommandError("say what to ask, as text or as --request FILE", code=Exit.USAGE)
    if file is None:
        return {"input": text}
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file}: {error}", code=Exit.USAGE) from error


def _when(when: Document) -> str:
    if "every_s" in when:
        return f"every {when['every_s']:g} s"
    return " ".join(str(part) for part in when.values())
