"""A run's events → a response's items and its stream events, in OpenAI's order. Pure.

Streaming or not, foreground or background: everyone feeds the same events to the same `Output`, so the
whole response is always the last one of the stream.

- A model turn's text is one message: `commentary` beside calls, else the `final_answer`. Its phase is
  known when the turn has ended, so it stands in `response.output_item.done`.
- The calls of a turn that run here are one `reasoning` item, which says and holds what was done
  (`acts.py`): to every client, a `function_call` is one that it has to run itself.
- A call of the app's tools is a `function_call`. It becomes visible when the run ends in it: were the
  run to end otherwise (a person has to approve another call first), nobody would answer it.
- Calls that were refused are no items. The run's trace has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.agent.events import (
    CallAccepted,
    Observation,
    RunEvent,
    RunFinished,
    TextDelta,
    TurnFinished,
    TurnStarted,
)
from gateway.agent.run import Outcome, RunRequest
from gateway.agent.wording import confession
from gateway.api.errors import Answer
from gateway.api.likelihood import of_text
from gateway.api.responses import document
from gateway.api.responses.acts import Acts
from gateway.api.responses.ids import output_id
from routing.backend import TokenLogprob
from tools.spec import ValidCall

Event = dict[str, Any]
_CUT = frozenset({"stream_cut", "repetition", "max_output_tokens"})
"""Reasons of an incomplete run for which its last message ends in the middle."""
_SEPARATOR = "\n\n"


@dataclass(slots=True)
class _Message:
    """The message that is being written."""

    index: int
    id: str
    pieces: list[str] = field(default_factory=list[str])
    tokens: tuple[TokenLogprob, ...] = ()


class Output:
    """The response of one run while it is made. `head` is its object as it begins (`document.head`)."""

    def __init__(self, run: RunRequest, head: document.JSONObject) -> None:
        self._run = run
        self._run_id = run.run_id
        self._document = head
        self._items: list[document.JSONObject] = []
        self._message: _Message | None = None
        self._texts = 0
        self._acts: Acts | None = None
        self._handed: list[ValidCall] = []
        self._held: list[RunEvent] | None = None
        self._calls = 0
        self._next = 0

    @property
    def document(self) -> document.JSONObject:
        """The response as it is now; a snapshot."""
        return {**self._document, "output": list(self._items)}

    @property
    def is_open(self) -> bool:
        """Whether it has not ended, one way or another."""
        return self._document["status"] in ("queued", "in_progress")

    @property
    def items(self) -> Sequence[document.JSONObject]:
        """Its output items so far."""
        return tuple(self._items)

    def begin(self) -> Iterator[Event]:
        """The events before anything is done; a response in the background waits in a queue."""
        yield self._about_response("response.created")
        if self._document["status"] == "queued":
            yield self._about_response("response.queued")
            self._document["status"] = "in_progress"
        yield self._about_response("response.in_progress")

    def feed(self, event: RunEvent) -> Iterator[Event]:
        """What follows from one event of the run."""
        if self._held is not None and not isinstance(event, RunFinished):
            self._held.append(event)
            return
        match event:
            case TextDelta():
                yield from self._write(event.text)
            case TurnStarted():
                yield from self._close("commentary")
            case TurnFinished():
                if self._message is not None:
                    self._message.tokens = event.logprobs
                if event.calls:
                    yield from self._close("commentary")
            case CallAccepted(client=True):
                self._held = [event]
            case CallAccepted():
                yield from self._act(event.call)
            case Observation() if self._acts is not None:
                yield from self._acts.observe(event.result)
                if not self._acts.is_running:
                    yield from self._end_acts("completed")
            case RunFinished():
                yield from self._finish(event.outcome)
            case _:
                pass

    def fail(self, told: Answer) -> Iterator[Event]:
        """The run broke off after it had begun: what was done stays, and the response failed."""
        self._cut()
        self._document |= {"status": "failed", "error": document.error(told)}
        yield self._about_response("response.failed")

    def cancel(self, message: str) -> Iterator[Event]:
        """Somebody ended the run. No event of the API says so, hence an `error`."""
        self._cut()
        self._document["status"] = "cancelled"
        yield self.error_event(Answer(409, message, "run_cancelled", None, "run_cancelled"))

    def error_event(self, told: Answer) -> Event:
        """An error as an event: Open Responses nests it, the openai client reads it flat."""
        flat = {"code": told.code, "message": told.message, "param": told.param}
        return self._event("error", **flat, error={"type": told.kind, **flat})

    def _finish(self, outcome: Outcome) -> Iterator[Event]:
        held, self._held = self._held or [], None
        handed = {call.id for call in outcome.client_calls}
        for event in held:
            if not (isinstance(event, CallAccepted) and event.client):
                yield from self.feed(event)
            elif event.call.id in handed:
                self._hand(event.call)
        for call in self._handed:
            yield from self._call(call)
        missing = outcome.incomplete
        whole = missing is None or missing.reason not in _CUT
        phase = "commentary" if outcome.client_calls else "final_answer"
        yield from self._close(phase, "completed" if whole else "incomplete")
        if missing is not None and self._run.output_schema is not None and not outcome.text:
            yield from self._refuse(confession(missing, self._run.messages))
        ending = document.ending(self._run_id, outcome, self._calls)
        ending["gateway"] = {**self._document["gateway"], **ending["gateway"]}
        self._document |= ending
        yield self._about_response(f"response.{self._document['status']}")

    def _write(self, text: str) -> Iterator[Event]:
        if self._message is None:
            if self._texts:  # the run sets its turns apart; here each has a message of its own
                text = text.removeprefix(_SEPARATOR)
            if not text:
                return
            yield from self._open()
        message = self._message
        if message is None:
            raise RuntimeError("a message was opened and is not there")
        message.pieces.append(text)
        yield self._event(
            "response.output_text.delta",
            item_id=message.id,
            output_index=message.index,
            content_index=0,
            delta=text,
            logprobs=[],
        )

    def _open(self) -> Iterator[Event]:
        self._texts += 1
        index = len(self._items)
        message = self._message = _Message(index, output_id("msg", self._run_id, index))
        item = document.message(message.id, "in_progress", [])
        self._items.append(item)
        yield self._event("response.output_item.added", output_index=index, item=item)
        yield self._event(
            "response.content_part.added",
            item_id=message.id,
            output_index=index,
            content_index=0,
            part=document.text_part(""),
        )

    def _close(self, phase: str, status: str = "completed") -> Iterator[Event]:
        message, self._message = self._message, None
        if message is None:
            return
        text = "".join(message.pieces)
        at: Event = {"item_id": message.id, "output_index": message.index, "content_index": 0}
        logprobs = of_text(message.tokens, text, self._document["top_logprobs"])
        part = document.text_part(text, logprobs)
        item = document.message(message.id, status, [part], phase)
        self._items[message.index] = item
        yield self._event("response.output_text.done", **at, text=text, logprobs=logprobs)
        yield self._event("response.content_part.done", **at, part=part)
        yield self._event("response.output_item.done", output_index=message.index, item=item)

    def _refuse(self, text: str) -> Iterator[Event]:
        """Why there is no structured answer: a text would be taken for JSON."""
        index = len(self._items)
        item_id = output_id("msg", self._run_id, index)
        at: Event = {"item_id": item_id, "output_index": index, "content_index": 0}
        part = {"type": "refusal", "refusal": text}
        begun = document.message(item_id, "in_progress", [])
        item = document.message(item_id, "completed", [part], "final_answer")
        self._items.append(item)
        yield self._event("response.output_item.added", output_index=index, item=begun)
        yield self._event("response.content_part.added", **at, part={**part, "refusal": ""})
        yield self._event("response.refusal.delta", **at, delta=text)
        yield self._event("response.refusal.done", **at, refusal=text)
        yield self._event("response.content_part.done", **at, part=part)
        yield self._event("response.output_item.done", output_index=index, item=item)

    def _act(self, call: ValidCall) -> Iterator[Event]:
        """A call is run here."""
        yield from self._close("commentary")
        self._calls += 1
        if self._acts is None:
            index = len(self._items)
            self._acts = Acts(index, output_id("rs", self._run_id, index), self._event)
            self._items.append(self._acts.item)
            yield from self._acts.open(self._handed)
        yield from self._acts.call(call)

    def _end_acts(self, status: str) -> Iterator[Event]:
        acts, self._acts = self._acts, None
        if acts is not None:
            yield from acts.close(status)
            self._items[acts.index] = acts.item

    def _hand(self, call: ValidCall) -> None:
        """A call is the app's to run: an item of its own, behind what was done here in its turn."""
        self._calls += 1
        self._handed.append(call)
        if self._acts is not None:
            self._acts.hand(call)

    def _call(self, call: ValidCall) -> Iterator[Event]:
        yield from self._close("commentary")
        index = len(self._items)
        item_id, arguments = output_id("fc", self._run_id, index), call.arguments_json()
        begun = document.function_call(item_id, call, "", "in_progress")
        item = document.function_call(item_id, call, arguments, "completed")
        self._items.append(item)
        at: Event = {"item_id": item_id, "output_index": index}
        yield self._event("response.output_item.added", output_index=index, item=begun)
        yield self._event("response.function_call_arguments.delta", **at, delta=arguments)
        yield self._event(
            "response.function_call_arguments.done", **at, name=call.name, arguments=arguments
        )
        yield self._event("response.output_item.done", output_index=index, item=item)

    def _cut(self) -> None:
        """The run ended in the middle: what was open in it stays `incomplete`."""
        self._held = None
        for _ in (*self._close("commentary", "incomplete"), *self._end_acts("incomplete")):
            self._next -= 1  # nobody reads these events

    def _about_response(self, kind: str) -> Event:
        return self._event(kind, response=self.document)

    def _event(self, kind: str, **fields: Any) -> Event:
        number, self._next = self._next, self._next + 1
        return {"type": kind, "sequence_number": number, **fields}
