"""`gateway eval`: requests with the calls they should end in, run and scored.

The file is a YAML list of `{id, lang, request, expect: [{name, arguments}, …]}`; `any_of` in place of
`expect` lists whole alternatives where more than one way is right. A request is right when the calls
that its run made are exactly one of the alternatives, compared by `gateway.cli.likeness`. `before` lists
calls of registered tools that are really made ahead of the request: what it is about has to be there.
Whether the answer tells what its last calls brought is counted beside that, by `gateway.cli.telling`.
"""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from gateway.cli.exits import CommandError, Exit, explained
from gateway.cli.target import Config, Url, target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.cli.client import GatewayClient
    from gateway.cli.likeness import Call


_ALTERNATIVES = 8
"""To each token: for the margins between names of tools."""


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the file."""

    id: str
    lang: str
    text: str
    alternatives: tuple[tuple[Call, ...], ...]
    before: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """What came of one. `problem` when there was no answer at all; `lines` are recorded decisions.

    `told` is whether a whole answer has what the last calls brought; None where they brought nothing to tell.
    """

    request: Request
    made: tuple[Call, ...]
    right: bool
    elapsed_s: float
    problem: str = ""
    told: bool | None = None
    lines: tuple[str, ...] = ()


def evaluate(
    file: Annotated[Path, typer.Argument(help="The requests, a YAML file.")],
    *,
    url: Url = None,
    config: Config = None,
    model: Annotated[str, typer.Option(help="gateway, intermediary or expert.")] = "gateway",
    least: Annotated[
        float, typer.Option("--min", min=0, max=1, help="Exit code 1 below this share.")
    ] = 0.0,
    least_told: Annotated[
        float,
        typer.Option(
            "--min-told", min=0, max=1, help="The same of the answers that tell their results."
        ),
    ] = 0.0,
    record: Annotated[
        Path | None, typer.Option(help="Write each decision and its outcome here, to calibrate by.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Run the requests of a file and print the score.

    The file is a YAML list of {id, lang, request, expect: [{name, arguments}, …]}. A request is right when
    the calls of its run mean exactly those (an expression counts by its value, a place by its time zone);
    any_of in place of expect lists whole alternatives. Calls under before are really made ahead of the
    request, so that what it is about is there. Beside it stands how many of the answers tell what their last
    calls brought, whether these are the right ones or not. Nothing is a rehearsal: with --url all of them act on the
    gateway that runs there; without it, notes go into a notebook that is thrown away.
    """
    with explained():
        requests = read_requests(file)
        with target(url, config, own_notes=True) as gateway:
            recorded = record is not None
            scored = [score(gateway, each, model, recorded=recorded) for each in requests]
        if record is not None:
            record.parent.mkdir(parents=True, exist_ok=True)
            record.write_text("".join(line for one in scored for line in one.lines), "utf-8")
    share = sum(one.right for one in scored) / len(scored)
    judged = _judged(scored)
    told = sum(judged) / len(judged) if judged else None
    if as_json:
        requests = [_as_json(one) for one in scored]
        typer.echo(json.dumps({"score": share, "told": told, "requests": requests}))
    else:
        _print(scored)
    if share < least or (told is not None and told < least_told):
        raise typer.Exit(Exit.NO)


def read_requests(file: Path) -> list[Request]:
    """The requests of a file. Raises `CommandError` that names what is wrong in it."""
    import yaml

    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CommandError(f"{file}: {error}", code=Exit.USAGE) from error
    if not isinstance(entries, list) or not entries:
        raise CommandError(f"{file}: a list of requests is expected", code=Exit.USAGE)
    return [_request(file, entry) for entry in cast("list[Any]", entries)]


def _request(file: Path, entry: Any) -> Request:
    try:
        ways = entry["any_of"] if "any_of" in entry else [entry["expect"]]
        return Request(
            str(entry["id"]),
            str(entry.get("lang", "")),
            entry["request"],
            tuple(_calls(way) for way in ways),
            _calls(entry.get("before", ())),
        )
    except (KeyError, TypeError) as error:
        problem = f"{file}: {entry}: id, request and expect (or any_of) are needed: {error!r}"
        raise CommandError(problem, code=Exit.USAGE) from error


def _calls(listed: Iterable[Any]) -> tuple[Call, ...]:
    return tuple({"name": call["name"], "arguments": call["arguments"]} for call in listed)


def score(
    gateway: GatewayClient, request: Request, model: str, *, recorded: bool = False
) -> Scored:
    """One request, run and compared. An answer that is an error is wrong, not the end.

    `recorded` asks for log-probabilities, and makes the run's decisions into lines for calibration.
    Raises `CommandError` when a call of `before` fails: what the request is about is not there.
    """
    from gateway.cli.client import Refused, run_path
    from gateway.cli.decisions import of_run
    from gateway.cli.likeness import meaning, same_calls
    from gateway.cli.telling import tells

    _prepare(gateway, request)
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": request.text}],
    }
    if recorded:
        body |= {"logprobs": True, "top_logprobs": _ALTERNATIVES}
        if model != "gateway":
            body["gateway"] = {"tools": ["*"]}
    started = time.monotonic()
    try:
        answer = gateway.post("/v1/chat/completions", body)
    except Refused as refused:
        return Scored(
            request, (), right=False, elapsed_s=time.monotonic() - started, problem=str(refused)
        )
    elapsed = time.monotonic() - started
    run = gateway.get(run_path(answer["gateway"]["run_id"]))
    made = tuple(
        {"name": call["name"], "arguments": call["arguments"]}
        for step in run["steps"]
        for call in step["calls"]
    )
    right = any(same_calls(made, way) for way in request.alternatives)
    whole = answer["gateway"].get("incomplete_details") is None
    told = tells(answer["choices"][0]["message"]["content"] or "", _last_results(run))
    lines: tuple[str, ...] = ()
    if recorded:
        wanted = {meaning(call) for way in request.alternatives for call in way}
        outcomes = [meaning(call) in wanted for call in made]
        lines = tuple(of_run(run, request.id, outcomes))
    return Scored(request, made, right, elapsed, told=told and whole, lines=lines)


def _last_results(run: dict[str, Any]) -> list[tuple[str, str]]:
    """What the last step with calls brought: what was looked up on the way there need not be told."""
    steps = [step["calls"] for step in run["steps"] if step["calls"]]
    return [
        (call["name"], call["result"]["content"])
        for call in (steps[-1] if steps else ())
        if call["result"] and not call["result"]["failure"]
    ]


def _prepare(gateway: GatewayClient, request: Request) -> None:
    from gateway.cli.client import Refused, invoke_path

    for call in request.before:
        try:
            result = gateway.post(invoke_path(call["name"]), {"arguments": call["arguments"]})
            problem = result["content"] if result["failure"] else None
        except Refused as refused:
            problem = refused
        if problem:
            told = f"{request.id}: before: {call['name']}: {problem}"
            raise CommandError(told, code=Exit.NO)


def _print(scored: list[Scored]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "id", "request", "calls", box=None, pad_edge=False)
    for one in scored:
        calls = escape(one.problem or _listed(one.made))
        if not one.right:
            calls += f"\n[dim]expected[/] {escape(_listed(one.request.alternatives[0]))}"
        if one.told is False:
            calls += "\n[yellow]not told in the answer[/]"
        mark = "[green]✓[/]" if one.right else "[red]✗[/]"
        table.add_row(mark, one.request.id, escape(one.request.text), calls)
    console = Console(highlight=False)
    console.print(table)
    for name, group in [
        *(
            (f"  {lang}", [one for one in scored if one.request.lang == lang])
            for lang in _langs(scored)
        ),
        ("score", scored),
    ]:
        right = sum(one.right for one in group)
        console.print(f"{name}: {right} of {len(group)} right ({right / len(group):.0%})")
    if judged := _judged(scored):
        what = "answers tell what their calls brought"
        share = sum(judged) / len(judged)
        console.print(f"told: {sum(judged)} of {len(judged)} {what} ({share:.0%})")
    median = statistics.median(one.elapsed_s for one in scored)
    console.print(f"median time to the whole answer: {median * 1000:.0f} ms")


def _langs(scored: list[Scored]) -> list[str]:
    return sorted({one.request.lang for one in scored} - {""})


def _judged(scored: list[Scored]) -> list[bool]:
    """Of the answers that had something to tell, whether they do."""
    return [one.told for one in scored if one.told is not None]


def _listed(calls: tuple[Call, ...]) -> str:
    listed = (
        f"{call['name']}{json.dumps(call['arguments'], ensure_ascii=False)}" for call in calls
    )
    return " ".join(listed) or "no call"


def _as_json(one: Scored) -> dict[str, Any]:
    return {
        "id": one.request.id,
        "lang": one.request.lang,
        "right": one.right,
        "told": one.told,
        "calls": list(one.made),
        "elapsed_s": round(one.elapsed_s, 4),
        "problem": one.problem,
    }
