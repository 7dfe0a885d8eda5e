"""`gateway chat`: ask from the terminal, and see every call, observation and escalation."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.exits import CommandError, Exit, explained
from gateway.cli.target import Config, Url, target

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.cli.client import GatewayClient

Messages = list[dict[str, Any]]


def chat(
    text: Annotated[
        str | None, typer.Argument(help="What to ask; nothing: a conversation.")
    ] = None,
    *,
    url: Url = None,
    config: Config = None,
    model: Annotated[
        str, typer.Option(help="gateway (routed), intermediary or expert.")
    ] = "gateway",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the run's events as JSON lines, for machines.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Calls that would change something are told, and not made."),
    ] = False,
) -> None:
    """Ask, and watch the run. Without a text: a conversation until Ctrl-D."""
    with explained(), target(url, config) as gateway:
        if text is None:
            _converse(gateway, model, dry_run=dry_run)
        elif as_json:
            _print_events(gateway, _body(model, [_user(text)], dry_run=dry_run))
        else:
            ask(gateway, _console(), _body(model, [_user(text)], dry_run=dry_run))


def ask(gateway: GatewayClient, console: Console, body: dict[str, Any]) -> str:
    """One request, rendered on `console` while it runs; gives the answer's text."""
    from gateway.cli.rendering import Rendering

    rendering = Rendering(console)
    with gateway.watched(body) as events:
        for event in events:
            rendering.show(event)
    if rendering.finished is None:
        raise CommandError(
            "the run ended without an answer; the gateway's log says why", code=Exit.NO
        )
    return rendering.answer


def _converse(gateway: GatewayClient, model: str, *, dry_run: bool) -> None:
    import readline  # noqa: F401 # pyright: ignore[reportUnusedImport] - history and editing

    console = _console()
    console.print("[dim]Ctrl-C stops an answer, Ctrl-D ends the conversation.[/]")
    messages: Messages = []
    while True:
        try:
            text = input("› ").strip()
        except (EOFError, KeyboardInterrupt):
            console.print()
            return
        if not text:
            continue
        try:
            body = _body(model, [*messages, _user(text)], dry_run=dry_run)
            answer = ask(gateway, console, body)
        except KeyboardInterrupt:
            console.print("[yellow]stopped[/]")
        except CommandError as error:
            console.print(f"[red]error:[/] {error}", markup=True)
        else:
            messages += [_user(text), {"role": "assistant", "content": answer}]


def _print_events(gateway: GatewayClient, body: dict[str, Any]) -> None:
    finished = False
    with gateway.watched(body) as events:
        for event in events:
            typer.echo(json.dumps({"event": event.name, **event.document()}, ensure_ascii=False))
            finished = event.name == "run.finished"
    if not finished:
        raise typer.Exit(Exit.NO)


def _console() -> Console:
    from rich.console import Console

    return Console(file=sys.stdout, soft_wrap=True)


def _body(model: str, messages: Messages, *, dry_run: bool) -> dict[str, Any]:
    asked: dict[str, Any] = {"model": model, "messages": messages}
    return {**asked, "gateway": {"dry_run": True}} if dry_run else asked


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}
