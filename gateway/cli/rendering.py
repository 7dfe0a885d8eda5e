"""A run's events as a person reads them in a terminal: text as it streams, and what happens between."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.markup import escape

from gateway.cli.client import ServerEvent

_LONGEST = 400


class Rendering:
    """Prints one run. `finished` holds the last event's data once it has come."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._mid_line = False
        self._calls = 0
        self._steps = 0
        self._spoke = False
        self._run_id = ""
        self.finished: dict[str, Any] | None = None

    @property
    def answer(self) -> str:
        return str(self.finished["answer"] or "") if self.finished else ""

    def show(self, event: ServerEvent) -> None:
        """Print one event; names that are not known are passed over."""
        data = event.document()
        match event.name:
            case "run.started":
                self._run_id = data["id"]
            case "turn.started":
                self._steps, self._spoke = data["step"], False
                if data["role"] == "expert":
                    self._line(f"[magenta]⇡ asking {escape(data['model'])}[/]")
            case "text.delta":
                self._say(data["text"])
            case "turn.finished":
                # A run that is over before it is watched has no deltas left, only whole texts.
                if data["text"] and not self._spoke:
                    self._say(data["text"])
            case "call.accepted":
                self._call(data)
            case "call.refused":
                self._line(f"[red]✗ {escape(data['name'])}[/] {escape(data['reason'])}")
            case "observation":
                self._observation(data)
            case "escalated":
                self._escalation(data)
            case "run.finished":
                self._end(data)
            case _:
                pass

    def _say(self, text: str) -> None:
        self._console.print(escape(text), end="", highlight=False)
        self._mid_line, self._spoke = not text.endswith("\n"), True

    def _call(self, data: dict[str, Any]) -> None:
        self._calls += 1
        arguments = ", ".join(f"{key}={_json(value)}" for key, value in data["arguments"].items())
        self._line(f"[cyan]→ [bold]{escape(data['name'])}[/bold]({escape(arguments)})[/]")
        for repair in data["repairs"]:
            self._line(f"  [yellow]repaired {escape(repair)}[/]")

    def _observation(self, data: dict[str, Any]) -> None:
        colour = "red" if data["failure"] else "green"
        content = _shortened(str(data["content"]))
        elapsed = "dry run" if data.get("dry_run") else f"{data['elapsed_s'] * 1000:.1f} ms"
        self._line(f"[{colour}]← {escape(content)}[/]  [dim]{elapsed}[/]")

    def _escalation(self, data: dict[str, Any]) -> None:
        if data["failed"]:
            told = f"could not be escalated ({data['failed']})"
        else:
            told = f"decided by {data['model']} for ${data['cost_usd']:.6f}"
        self._line(
            f"[magenta]⇡ {escape(data['reason'])}: {escape(data['detail'])} {escape(told)}[/]"
        )

    def _end(self, data: dict[str, Any]) -> None:
        self.finished = data
        if missing := data["incomplete_details"]:
            self._line(f"[yellow]! {escape(missing['reason'])}: {escape(missing['detail'])}[/]")
        tokens = data["usage"]["total_tokens"]
        self._line(
            f"[dim]{self._steps} steps · {self._calls} calls · {tokens} tokens · "
            f"${data['cost_usd']:.6f} · {self._run_id}[/]"
        )

    def _line(self, text: str) -> None:
        if self._mid_line:
            self._console.print()
            self._mid_line = False
        self._console.print(text, highlight=False)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
