"""What `gateway tools lint` found, in a terminal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from gateway.manifests.problem import Problem

if TYPE_CHECKING:
    from gateway.cli.lint_manifests import Linted

_COLOURS = {"A": "green", "B": "green", "C": "yellow", "D": "red", "E": "red"}
_SECRETIVE = re.compile(
    r"(?i)headers|\benv\b|url|spec|authorization|token|secret|password|cookie|key:|[-_]key"
)
"""Paths and lines that are not shown again: who put a secret there should not find it in a log of CI."""
_WIDEST = 100


def show_reports(reports: Sequence[dict[str, Any]], *, targets: bool) -> None:
    """The tools of a gateway."""
    console = _console()
    for report in reports:
        _report(console, report, targets=targets)


def show_manifests(linted: Linted, *, targets: bool) -> None:
    """The tools of manifests, what engines make of them, what is none, and all that is wrong."""
    console = _console()
    for report in linted.reports:
        _report(console, report, targets=targets)
    if linted.reports:
        console.print(_matrix(linted.reports))
    for other in linted.others:
        console.print(f"{other} is no manifest and was passed over", style="dim")
    for placed, refused in linted.refused:
        console.print(f"{placed.file}: {refused.operation} is no tool: {refused.why}", style="dim")
    for placed, why in linted.skipped:
        console.print(f"{placed.file}: {getattr(placed.entry, 'name', '')} {why}", style="dim")
    for problem in linted.problems:
        _problem(console, problem)
    console.print(_summary(linted))


def _console() -> Console:
    return Console(highlight=False, markup=False, soft_wrap=True)


def _report(console: Console, report: dict[str, Any], *, targets: bool) -> None:
    head = Text.assemble(
        (report["grade"], f"bold {_COLOURS[report['grade']]}"), f"  {report['name']}", style="bold"
    )
    costs = ", ".join(_cost(each) for each in report["tokens"])
    if costs:
        head.append(f"  {costs}", "not bold dim")
    if "file" in report:
        head.append(f"  {report['file']}:{report['line']}{report['pointer']}", "not bold dim")
    console.print(head)
    if notice := report.get("deprecated"):
        console.print(f"   deprecated: {notice}", style="yellow")
    for each in report["findings"]:
        place = f"{each['line']}:{each['column']} " if "line" in each else ""
        console.print(f"   {place}{each['where']}: {each['advice']}")
    grammar = report["targets"][0]
    for path in grammar["not_enforced"]:
        console.print(f"   {path}: no grammar can say this; the gateway checks it after the model")
    for each in report["targets"] if targets else ():
        console.print(f"   {each['target']}: {_told(each['tried'])}")
        for kind in ("not_enforced", "never_generated", "refused"):
            if each[kind]:
                console.print(f"      {kind.replace('_', ' ')}: {', '.join(each[kind])}")


def _matrix(reports: Sequence[dict[str, Any]]) -> Table:
    """A tool a row, a target a column, as docs/schema-targets.md spells it."""
    names = [each["target"].partition(" (")[0] for each in reports[0]["targets"]]
    table = Table("", Column(overflow="fold"), *names, box=None, padding=(0, 2, 0, 0))
    for report in reports:
        row = [_cell(each) for each in report["targets"]]
        table.add_row(Text(report["grade"], _COLOURS[report["grade"]]), Text(report["name"]), *row)
    return table


def _cell(target: dict[str, Any]) -> Text:
    if target["refused"]:
        return Text("refused", "red")
    said = [Text("no", "yellow")] if target["not_enforced"] else []
    said += [Text("less", "dim")] if target["never_generated"] else []
    return Text(" ").join(said) if said else Text("·", "green")


def _problem(console: Console, problem: Problem) -> None:
    place = f"{problem.file}:{problem.line}:{problem.column}"
    console.print(Text.assemble((place, "bold"), (" error ", "bold red"), problem.path))
    console.print(f"   {problem.why}")
    _frame(console, problem)
    if problem.remedy:
        console.print(Text.assemble(("   → ", "green"), problem.remedy))


def _frame(console: Console, problem: Problem) -> None:
    """The line, and a mark below the column."""
    try:
        lines = Path(problem.file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    line, column = "".join(lines[problem.line - 1 : problem.line]), problem.column - 1
    if not line or _SECRETIVE.search(problem.path) or _SECRETIVE.search(line):
        return
    start = max(0, column - _WIDEST // 2)
    shown = line[start : start + _WIDEST].expandtabs(1)
    number = str(problem.line)
    console.print(f"   {number} │ {shown}", style="dim")
    console.print(f"   {' ' * len(number)} │ {' ' * (column - start)}^", style="dim")


def _summary(linted: Linted) -> Text:
    grades = Counter(report["grade"] for report in linted.reports)
    told = ", ".join(f"{count} {grade}" for grade, count in sorted(grades.items()))
    tools = _counted(len(linted.reports), "tool") + (f" ({told})" if told else "")
    said = f"{_counted(len(linted.files), 'file')}: {tools}, "
    wrong = len(linted.problems)
    return Text(said).append(_counted(wrong, "error"), "bold red" if wrong else "bold green")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _cost(cost: dict[str, Any]) -> str:
    counted = f"by {cost['model']}'s tokenizer" if cost["exact"] else f"guessed for {cost['model']}"
    return f"{cost['tokens']} tokens ({counted})"


def _told(tried: dict[str, Any] | None) -> str:
    if tried is None:
        return "does not take this schema"
    all_ = tried["alike"] + tried["wider"] + tried["narrower"]
    said = f"judges {tried['alike']} of {all_} tried arguments like the schema"
    if tried["wider"]:
        said += f", lets {tried['wider']} wrong ones through"
    return said + (f", never generates {tried['narrower']}" if tried["narrower"] else "")
