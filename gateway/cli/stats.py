"""`gateway stats`: which tools fail, what is slow, what is escalated, and what drifts."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.exits import CommandError, Exit, explained
from gateway.cli.history import Config, Tenant, Url, history
from gateway.cli.when import moment, span

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from gateway.history.drift import Drift


def stats(
    *,
    url: Url = None,
    config: Config = None,
    tenant: Tenant = "default",
    since: Annotated[str, typer.Option(help="From then on: 24h (ago), 7d, 2026-11-01.")] = "24h",
    until: Annotated[str | None, typer.Option(help="Before then; now.")] = None,
    against: Annotated[
        str | None, typer.Option(help="Compare with the time before that, so long: 24h, 30d.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="So many lines a table.")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Tools that fail, slow runs, escalations and cost; with --against, what has drifted."""
    from gateway.history.drift import drift

    with explained(), history(url, config, tenant) as runs:
        end = time.time() if until is None else moment(until)
        begin = moment(since, end)
        if begin >= end:
            raise CommandError("--since has to be before --until", code=Exit.USAGE)
        now = runs.statistics(begin, end)
        drifted = None
        if against is not None:
            drifted = drift(runs.statistics(begin - span(against), begin), now)
    if as_json:
        told = {**now, "drift": None if drifted is None else asdict(drifted)}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    from rich.console import Console

    _print(Console(), now, drifted, top)


def _print(console: Console, now: dict[str, Any], drifted: Drift | None, top: int) -> None:
    from gateway.cli.run_tables import dollars, seconds

    total = now["runs"]["total"]
    elapsed: dict[str, float] = now["runs"]["elapsed_s"] or {}
    by_status = ", ".join(f"{number} {name}" for name, number in now["runs"]["by_status"].items())
    console.print(
        f"[bold]{total} runs[/] ({by_status or 'none'}); median {seconds(elapsed.get('p50'))}, "
        f"95 % {seconds(elapsed.get('p95'))}; {dollars(now['cost_usd']['total'])}, "
        f"{now['escalations']['total']} escalations",
        highlight=False,
    )
    if not now["complete"]:
        console.print("[yellow]There are more runs than are looked at: the oldest are missing.[/]")
    for title, table in (
        ("Tools that fail most", _failing(now, top)),
        ("Slowest runs", _slowest(now, top)),
        ("Most escalated", _escalated(now, top)),
    ):
        if table.row_count:
            console.print(f"\n[bold]{title}[/]")
            console.print(table)
    if drifted is not None:
        _print_drift(console, drifted, top)


def _failing(now: dict[str, Any], top: int) -> Table:
    from rich.markup import escape

    from gateway.cli.run_tables import seconds

    bad = [tool for tool in now["tools"] if tool["failed"] + tool["refused"]]
    bad.sort(key=lambda tool: -(tool["failed"] + tool["refused"]))
    table = _table("tool", "calls", "failed", "refused", "repaired", "p50", "p95", "why")
    for tool in bad[:top]:
        latency: dict[str, float] = tool["latency_s"] or {}
        table.add_row(
            escape(tool["name"]),
            str(tool["calls"]),
            f"{tool['failed']} ({tool['error_rate']:.0%})",
            str(tool["refused"]),
            str(tool["repaired"]),
            seconds(latency.get("p50")),
            seconds(latency.get("p95")),
            ", ".join(f"{kind} {times}" for kind, times in tool["failures"].items()),
        )
    return table


def _slowest(now: dict[str, Any], top: int) -> Table:
    from rich.markup import escape

    from gateway.cli.run_tables import seconds

    table = _table("run", "took", "turns", "calls", "question")
    for run in now["slowest"][:top]:
        table.add_row(
            run["id"],
            seconds(run["elapsed_s"]),
            str(run["turns"]),
            str(run["calls"]),
            escape(run["question"]),
        )
    return table


def _escalated(now: dict[str, Any], top: int) -> Table:
    from rich.markup import escape

    from gateway.cli.run_tables import dollars

    table = _table("reason or tool", "times", "cost")
    for each in now["escalations"]["by_reason"][:top]:
        table.add_row(escape(each["reason"]), str(each["count"]), dollars(each["cost_usd"]))
    lent = sorted((tool for tool in now["tools"] if tool["escalated"]), key=_times)
    for tool in lent[:top]:
        table.add_row(f"[cyan]{escape(tool['name'])}[/]", str(tool["escalated"]), "")
    return table


def _times(tool: dict[str, Any]) -> int:
    return -tool["escalated"]


def _print_drift(console: Console, drifted: Drift, top: int) -> None:
    from rich.markup import escape

    from gateway.history.drift import NOTICEABLE_DIVERGENCE

    console.print("\n[bold]Drift[/] against the time before")
    if drifted.divergence is None:
        console.print("there are no calls to compare")
        return
    moved = drifted.divergence >= NOTICEABLE_DIVERGENCE
    word = "[yellow]the mix of tools has moved[/]" if moved else "the mix of tools is the same"
    console.print(f"{word} (divergence {drifted.divergence:.3f} of 1)", highlight=False)
    table = _table("tool", "calls", "share", "bad", "latency", "")
    for row in drifted.tools[:top]:
        table.add_row(
            escape(row.name),
            f"{row.calls_before} → {row.calls_now}",
            f"{row.share_before:.0%} → {row.share_now:.0%}",
            f"{row.bad_before:.0%} → {row.bad_now:.0%}",
            "" if row.slower is None else f"x{row.slower:.1f}",
            "[yellow]noticeable[/]" if row.noticeable else "",
        )
    console.print(table)


def _table(*names: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in names:
        text = name in {"tool", "run", "question", "why", "reason or tool", ""}
        table.add_column(name, justify="left" if text else "right", no_wrap=name in {"tool", "run"})
    return table
