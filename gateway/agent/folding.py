"""A run's named events folded into its record: the trace that people and `GET /v1/runs/{id}` read.

Pure: the same events give the same record, those of a run that goes on and those read back from a database alike,
so that nothing of a run is stored twice. One entry of `steps` is one model turn; where a decision was lent to the
expert, two entries share a `step`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.agent import trace
from gateway.agent.named_events import NamedEvent

JSONObject = dict[str, Any]


def fold(events: Iterable[NamedEvent]) -> JSONObject:
    """The part of a run's record that follows from its events, whether they are all of them or the first few.

    Parts of `events` are parts of the record, so neither is to be changed.
    """
    folding = _Folding()
    for event in events:
        folding.add(event)
    return folding.record


class _Folding:
    """The record so far, whose last step is the turn that is open, and the calls that wait for a result."""

    def __init__(self) -> None:
        self._steps: list[JSONObject] = []
        self._escalations: list[JSONObject] = []
        self._context: list[JSONObject] = []
        self._approvals: list[JSONObject] = []
        self._calls: dict[str, JSONObject] = {}
        self.record: JSONObject = {
            "offered": [],
            "steps": self._steps,
            "escalations": self._escalations,
            "context": self._context,
            "approvals": self._approvals,
            **trace.summary(None),
        }

    def add(self, event: NamedEvent) -> None:
        data = event.data
        match event.name:
            case "run.started":
                self.record["offered"] = data["offered"]
            case "context.shortened":
                self._context.append(data)
            case "turn.started":
                self._steps.append(_turn(data))
            case "text.delta" | "turn.finished" | "call.accepted" | "call.refused":
                self._add_to_turn(event)
            case "observation":
                if (waiting := self._calls.get(data["id"])) is not None:
                    waiting["result"] = _without(data, "step", "id", "name")
            case "approval.requested":
                self._approvals.append({**data})
            case "approval.decided":
                for held in self._approvals:
                    if (held["step"], held["call_id"]) == (data["step"], data["call_id"]):
                        held.update(data)
            case "escalated":
                self._escalations.append(data)
            case "run.finished":
                self.record.update(_without(data, "stop"))
            case _:
                pass

    def _add_to_turn(self, event: NamedEvent) -> None:
        # Nothing comes before the first turn; if it did, it would have no place.
        turn = self._steps[-1] if self._steps else _turn({})
        data = event.data
        match event.name:
            case "text.delta":
                turn["text"] += data["text"]
            case "turn.finished":
                turn.update(data)
            case "call.accepted":
                accepted = {**_without(data, "step"), "result": None}
                turn["calls"].append(accepted)
                self._calls[data["id"]] = accepted
            case _:
                turn["refused"].append(_without(data, "step"))


def _turn(started: JSONObject) -> JSONObject:
    return {
        **started,
        "text": "",
        "usage": None,
        "cost_usd": 0.0,
        "elapsed_s": None,
        "first_token_s": None,
        "finish_reason": None,
        "notes": [],
        "evidence": [],
        "calls": [],
        "refused": [],
    }


def _without(data: JSONObject, *names: str) -> JSONObject:
    return {name: value for name, value in data.items() if name not in names}
