"""Calls that run here, as the one reasoning item of their turn.

Every client knows that a `function_call` is for it to run: frameworks fail at a function that they don't
have. What the gateway does itself is told the way a model's thinking is, which they show and send back:
the summary says it in words, and `encrypted_content` holds the calls and their outputs (encoded, not
encrypted, see `gateway.transcript.sealed`), so that a model reads them again, whoever keeps the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gateway.api.responses import document
from gateway.transcript.sealed import seal
from tools.spec import ToolResult, ValidCall

Event = dict[str, Any]
_SHOWN = 500
"""Characters of arguments or of a result that a summary repeats; the item holds all of them."""


class Acts:
    """The calls of one turn. `event` makes a stream event, numbered."""

    def __init__(self, index: int, item_id: str, event: Callable[..., Event]) -> None:
        self.index = index
        self._id = item_id
        self._event = event
        self._summary: list[document.JSONObject] = []
        self._held: list[document.JSONObject] = []
        self._running: dict[str, document.JSONObject] = {}
        self.item = document.reasoning(item_id, (), None, "in_progress")

    @property
    def is_running(self) -> bool:
        """Whether a call waits for what it brings."""
        return bool(self._running)

    def open(self, handed: Sequence[ValidCall]) -> Iterator[Event]:
        """Begin; `handed` are the app's calls that the model made before the first of ours."""
        for call in handed:
            self.hand(call)
        yield self._event("response.output_item.added", output_index=self.index, item=self.item)

    def hand(self, call: ValidCall) -> None:
        """A call of the same turn that the app runs: part of what the model said, told elsewhere."""
        self._held.append(_held_call(call))

    def call(self, call: ValidCall) -> Iterator[Event]:
        """A call is being run."""
        held = _held_call(call)
        self._held.append(held)
        self._running[call.id] = held
        yield from self._say(f"{call.name}({_short(held['arguments'])})")

    def observe(self, result: ToolResult) -> Iterator[Event]:
        """What it brought; nothing for a call that is none of these."""
        if self._running.pop(result.call_id, None) is None:
            return
        self._held.append(document.function_call_output("fco", result))
        yield from self._say(f"{result.name} → {_short(result.content)}")

    def close(self, status: str) -> Iterator[Event]:
        """All of them are done, or the run was cut: then those that run are `incomplete`."""
        for held in self._running.values():
            held["status"] = "incomplete"
        self.item = document.reasoning(self._id, self._summary, seal(self._held), status)
        yield self._event("response.output_item.done", output_index=self.index, item=self.item)

    def _say(self, text: str) -> Iterator[Event]:
        part = {"type": "summary_text", "text": text}
        at: Event = {
            "item_id": self._id,
            "output_index": self.index,
            "summary_index": len(self._summary),
        }
        self._summary.append(part)
        empty = {"type": "summary_text", "text": ""}
        yield self._event("response.reasoning_summary_part.added", **at, part=empty)
        yield self._event("response.reasoning_summary_text.delta", **at, delta=text)
        yield self._event("response.reasoning_summary_text.done", **at, text=text)
        yield self._event("response.reasoning_summary_part.done", **at, part=part)


def _held_call(call: ValidCall) -> document.JSONObject:
    return document.function_call("fc", call, call.arguments_json(), "completed")


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
