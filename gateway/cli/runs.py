"""`gateway runs`: list, tail, show and export what ran, from a running gateway or from its database."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.exits import Exit, explained
from gateway.cli.history import Config, History, Tenant, Url, Wanted, every, history
from gateway.cli.when import moment

app = typer.Typer(help="What ran: list, tail, show, export.", no_args_is_help=True)

_POLL_S = 1.0

Since = Annotated[str | None, typer.Option(help="From then on: 24h (ago), 7d, 2026-11-01.")]
Until = Annotated[str | None, typer.Option(help="Before then.")]
Status = Annotated[
    list[str] | None, typer.Option(help="Only this status, such as failed; may be repeated.")
]
ToolName = Annotated[str | None, typer.Option("--tool", help="Only where this tool was called.")]
Failing = Annotated[bool, typer.Option("--failing", help="Only with a call that failed.")]
Lent = Annotated[bool, typer.Option("--escalated", help="Only with an escalation.")]
Text = Annotated[str | None, typer.Option("--text", help="Only with this in question or answer.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines, for machines.")]


class Format(StrEnum):
    """Of an export."""

    JSONL = "jsonl"
    PARQUET = "parquet"


class Rows(StrEnum):
    """What a row of an export is."""

    RUNS = "runs"
    CALLS = "calls"


@app.command("list")
def list_runs(
    *,
    url: Url = None,
    config: Config = None,
    tenant: Tenant = "default",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    since: Since = None,
    until: Until = None,
    status: Status = None,
    tool: ToolName = None,
    failing: Failing = False,
    escalated: Lent = False,
    text: Text = None,
    as_json: Json = False,
) -> None:
    """List runs, the newest first."""
    with explained(), history(url, config, tenant) as runs:
        wanted = _wanted(since, until, status, tool, text, failing=failing, escalated=escalated)
        found = list(every(runs, wanted, limit))
    if as_json:
        _print_lines(found)
        return
    from rich.console import Console

    from gateway.cli.run_tables import run_table

    console = Console()
    console.print(run_table(found) if found else "no run is like that", highlight=False)


@app.command()
def tail(
    *,
    url: Url = None,
    config: Config = None,
    tenant: Tenant = "default",
    status: Status = None,
    tool: ToolName = None,
    failing: Failing = False,
    escalated: Lent = False,
    text: Text = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
    backlog: Annotated[int, typer.Option(min=0, help="Begin with so many older ones.")] = 5,
    as_json: Json = False,
) -> None:
    """Print runs as they end, until Ctrl-C."""
    from rich.console import Console

    from gateway.cli.run_tables import run_line

    console = Console(soft_wrap=True)
    told = 0
    with explained(), history(url, config, tenant) as runs:
        wanted = _wanted(None, None, status, tool, text, failing=failing, escalated=escalated)
        for run in _ending(runs, wanted, backlog):
            if as_json:
                _print_lines([run])
            else:
                console.print(run_line(run), highlight=False)
            told += 1
            if told == count:
                return


@app.command()
def show(
    run_id: Annotated[str, typer.Argument(help="The run's id; `last` is the newest.")],
    *,
    url: Url = None,
    config: Config = None,
    tenant: Tenant = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print the trace as JSON.")] = False,
) -> None:
    """Show a run: its turns, calls with their results, refusals, escalations, answer and cost."""
    with explained(), history(url, config, tenant) as runs:
        if run_id == "last":
            newest = list(every(runs, Wanted(), 1))
            if not newest:
                typer.echo("no run is kept", err=True)
                raise typer.Exit(Exit.NO)
            run_id = newest[0]["id"]
        found = runs.run(run_id)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    from gateway.cli.run_tables import print_run

    print_run(Console(soft_wrap=True), found)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to; - is standard output (JSONL).")],
    *,
    url: Url = None,
    config: Config = None,
    tenant: Tenant = "default",
    form: Annotated[
        Format | None, typer.Option("--format", help="Else the file's ending says it.")
    ] = None,
    rows: Annotated[Rows, typer.Option(help="One row for each run, or for each call.")] = Rows.RUNS,
    since: Since = None,
    until: Until = None,
    status: Status = None,
    tool: ToolName = None,
    failing: Failing = False,
    escalated: Lent = False,
    text: Text = None,
) -> None:
    """Write runs, or their calls, to a file: JSONL with whole traces, or Parquet (extra `parquet`)."""
    from gateway.cli.export import call_rows, write_jsonl, write_parquet

    parquet = (form or Format.JSONL) is Format.PARQUET
    if form is None:
        parquet = file.suffix == ".parquet"
    with explained(), history(url, config, tenant) as runs:
        wanted = _wanted(since, until, status, tool, text, failing=failing, escalated=escalated)
        found = every(runs, wanted, traces=True)
        taken = call_rows(found) if rows is Rows.CALLS else found
        written = write_parquet(file, taken, rows) if parquet else write_jsonl(file, taken)
    if str(file) != "-":
        typer.echo(f"{written} {rows} in {file}", err=True)


def _wanted(
    since: str | None,
    until: str | None,
    status: list[str] | None,
    tool: str | None,
    text: str | None,
    *,
    failing: bool,
    escalated: bool,
) -> Wanted:
    return Wanted(
        None if since is None else moment(since),
        None if until is None else moment(until),
        tuple(status or ()),
        tool,
        failing,
        escalated,
        text,
    )


def _ending(runs: History, wanted: Wanted, backlog: int) -> Any:
    """The last ones that have ended, the oldest first, then each as it ends."""
    began = time.time()
    newest = list(every(runs, wanted, max(backlog, 1)))
    told: set[str] = {run["id"] for run in newest}
    going = [run["created_at"] for run in newest if run["finished_at"] is None]
    told -= {run["id"] for run in newest if run["finished_at"] is None}
    yield from (run for run in reversed(newest[:backlog]) if run["finished_at"] is not None)
    since = min([began, *going])
    while True:
        found = list(every(runs, replace(wanted, since=since)))
        for run in reversed(found):
            if run["finished_at"] is not None and run["id"] not in told:
                told.add(run["id"])
                yield run
        time.sleep(_POLL_S)


def _print_lines(found: list[dict[str, Any]]) -> None:
    for run in found:
        sys.stdout.write(json.dumps(run, ensure_ascii=False) + "\n")
    sys.stdout.flush()
