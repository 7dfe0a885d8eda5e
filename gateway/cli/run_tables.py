"""Runs as a terminal shows them. What users, models and tools said is escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_COLOURS = {
    "completed": "green",
    "client_calls": "cyan",
    "running": "blue",
    "incomplete": "yellow",
    "failed": "red",
    "denied": "red",
    "cancelled": "dim",
}
_LONGEST = 600


def run_table(found: Sequence[dict[str, Any]]) -> Table:
    """One line for each run."""
    table = Table(box=None, pad_edge=False)
    table.add_column("when", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("calls", justify="right", no_wrap=True)
    table.add_column("run", no_wrap=True)
    table.add_column("question", ratio=1)
    for run in found:
        table.add_row(
            _when(run),
            _status(run["status"]),
            seconds(run["elapsed_s"]),
            dollars(run["cost_usd"]),
            _calls(run),
            run["id"],
            escape(run["question"]) + _marks(run),
        )
    return table


def run_line(run: dict[str, Any]) -> str:
    """A run in one line of markup."""
    told = f"{_when(run)}  {_status(run['status'])}  {seconds(run['elapsed_s'])}"
    tools = f"  [cyan]{escape(', '.join(run['tools']))}[/]" if run["tools"] else ""
    return (
        f"{told}  {dollars(run['cost_usd'])}{tools}  {escape(run['question'])}{_marks(run)}"
        f"  [dim]{run['id']}[/]"
    )


def print_run(console: Console, run: dict[str, Any]) -> None:
    """A whole run."""
    took = None if run["finished_at"] is None else run["finished_at"] - run["created_at"]
    console.print(
        f"[bold]{run['id']}[/]  {_status(run['status'])}  {seconds(took)}  "
        f"{dollars(run['cost_usd'])}  {run['usage']['total_tokens']} tokens  {_when(run)}",
        highlight=False,
    )
    if run["error"]:
        console.print(f"[red]{escape(run['error'])}[/]", highlight=False)
    for step in run["steps"]:
        _print_step(console, step)
    for receipt in run["escalations"]:
        ended = receipt["failed"] or f"decided by {receipt['model']}"
        told = f"⇡ step {receipt['step']}, {receipt['reason']}: {receipt['detail']}; {ended}"
        console.print(f"[magenta]{escape(told)}[/] {dollars(receipt['cost_usd'])}", highlight=False)
    if run["answer"]:
        console.print(f"\n{escape(run['answer'])}", highlight=False)
    if missing := run["incomplete_details"]:
        told = f"! {missing['reason']}: {missing['detail']}"
        console.print(f"[yellow]{escape(told)}[/]", highlight=False)


def _print_step(console: Console, step: dict[str, Any]) -> None:
    colour = "magenta" if step["role"] == "expert" else "blue"
    console.print(
        f"\n[{colour}]{step['step']}. {escape(step['model'])}[/]  {seconds(step['elapsed_s'])}  "
        f"{dollars(step['cost_usd'])}  [dim]{escape(step['reason'])}[/]",
        highlight=False,
    )
    if step["text"]:
        console.print(f"   {escape(step['text'])}", highlight=False)
    for call in step["calls"]:
        arguments = json.dumps(call["arguments"], ensure_ascii=False)
        console.print(f"   [cyan]→ [bold]{escape(call['name'])}[/] {escape(arguments)}[/]")
        for repair in call["repairs"]:
            console.print(f"     [yellow]repaired {escape(repair)}[/]", highlight=False)
        if (result := call["result"]) is not None:
            shade = "red" if result["failure"] else "green"
            content = result["content"]
            cut = content if len(content) <= _LONGEST else f"{content[:_LONGEST]}…"
            failure = f"{result['failure']}: " if result["failure"] else ""
            took = seconds(result["elapsed_s"])
            console.print(
                f"   [{shade}]← {failure}{escape(cut)}[/]  [dim]{took}[/]", highlight=False
            )
    for refusal in step["refused"]:
        told = f"✗ {refusal['name']} {refusal['reason']}"
        console.print(f"   [red]{escape(told)}[/]", highlight=False)


def seconds(value: float | None) -> str:
    """A duration."""
    if value is None:
        return "…"
    if value < 1:
        return f"{value * 1000:.{0 if value >= 0.01 else 1}f} ms"
    return f"{value:.2f} s" if value < 60 else f"{value // 60:.0f} min {value % 60:.0f} s"


def dollars(value: float) -> str:
    """A cost."""
    return f"${value:.6f}" if value else "$0"


def _when(run: dict[str, Any]) -> str:
    return datetime.fromtimestamp(run["created_at"]).strftime("%Y-%m-%d %H:%M:%S")  # noqa: DTZ006 - the reader's zone


def _status(name: str) -> str:
    return f"[{_COLOURS.get(name, 'white')}]{name}[/]"


def _calls(run: dict[str, Any]) -> str:
    failed = run["failed_calls"]
    return f"{run['calls']} [red]({failed} bad)[/]" if failed else str(run["calls"])


def _marks(run: dict[str, Any]) -> str:
    return f" [magenta]⇡{run['escalations']}[/]" if run["escalations"] else ""
