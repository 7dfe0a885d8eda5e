"""Events folded into a record: pure, at any moment of a run."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent import trace
from gateway.agent.events import (
    ApprovalDecided,
    ApprovalRequested,
    CallAccepted,
    CallRefused,
    Escalated,
    Observation,
    RunEvent,
    RunFinished,
    RunStarted,
    TextDelta,
    TurnFinished,
    TurnStarted,
)
from gateway.agent.folding import fold as fold_named
from gateway.agent.named_events import named
from gateway.agent.run import Decided, Escalation, HeldCall, Incomplete, Outcome, RunRequest
from routing.backend import NamedTool, Usage
from tools.spec import Failure, InvalidCall, Problem, ToolResult, ToolSpec, ValidCall

REQUEST = RunRequest(messages=(UserMessage(content="Go."),), tool_choice=NamedTool("add"))
ADD = ToolSpec("add", "Add.", {"type": "object"})
EVENTS: list[RunEvent] = [
    RunStarted(REQUEST, ("add",)),
    TurnStarted(1, "intermediary", "small", "first"),
    TextDelta("Let "),
    TextDelta("me add."),
    TurnFinished(1, "Let me add.", 2, "tool_calls", Usage(10, 5, 2), 0.1, 0.5, 0.2, ("a note",)),
    CallAccepted(1, ValidCall("a", ADD, {"a": 1}, ("$.a: mended",)), client=False),
    CallRefused(
        1, "b", "ad", "no such tool", InvalidCall("b", "ad", "{}", Problem.UNKNOWN_TOOL, "no")
    ),
    Observation(1, ToolResult("a", "add", "late", Failure.TIMEOUT, 30.0, 3, 100)),
    TurnStarted(2, "expert", "large", "unknown_tool"),
    TurnFinished(2, "Three.", 0, "stop", Usage(20, 3), 0.2, 0.4),
    Escalated(Escalation(2, "unknown_tool", "ad", "large", Usage(20, 3), 0.2)),
    RunFinished(
        Outcome(
            "incomplete",
            "Let me add.\n\nThree.",
            incomplete=Incomplete("no_expert", "why"),
            usage=Usage(30, 8, 2),
            cost_usd=0.3,
        )
    ),
]


def fold(events: Sequence[RunEvent]) -> dict[str, Any]:
    return fold_named(map(named, events))


def test_a_whole_run_becomes_its_record() -> None:
    record = fold(EVENTS)
    first, second = record["steps"]
    assert record["offered"] == ["add"]
    assert record["answer"] == "Let me add.\n\nThree."
    assert record["incomplete_details"] == {"reason": "no_expert", "detail": "why"}
    assert record["cost_usd"] == 0.3
    assert record["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}
    assert first["text"] == "Let me add."
    assert first["notes"] == ["a note"]
    assert first["first_token_s"] == 0.2
    [call] = first["calls"]
    assert call["effect"] == "write"
    assert call["repairs"] == ["$.a: mended"]
    assert call["result"] == {
        "content": "late",
        "failure": "timeout",
        "elapsed_s": 30.0,
        "attempts": 3,
        "truncated_from": 100,
    }
    assert first["refused"][0]["problem"] == "unknown_tool"
    assert (second["role"], second["reason"]) == ("expert", "unknown_tool")
    assert record["escalations"][0]["model"] == "large"


def test_a_run_can_be_read_after_any_of_its_events() -> None:
    for end in range(len(EVENTS)):
        record = fold(EVENTS[:end])
        json.dumps(record)
        assert record["answer"] is None
    assert fold(EVENTS[:4])["steps"][0]["text"] == "Let me add."
    assert fold(EVENTS[:6])["steps"][0]["calls"][0]["result"] is None


def test_folding_changes_nothing_and_gives_the_same_twice() -> None:
    events = [named(event) for event in EVENTS]
    before = copy.deepcopy(events)
    assert fold_named(events) == fold_named(events)
    assert before == events


def test_a_person_decides_about_the_call_that_waited() -> None:
    held = HeldCall("h", 1, "pay", {"usd": 5}, "write", "dear", "limits", 9.0)
    also = replace(held, call_id="i")
    asked = [*EVENTS[:5], ApprovalRequested(held), ApprovalRequested(also)]
    decided = ApprovalDecided(1, "i", "pay", Decided("reject", None, "no"))
    events = [named(event) for event in [*asked, decided]]
    before = copy.deepcopy(events)
    first, second = fold_named(events)["approvals"]
    assert (first["call_id"], first["decision"]) == ("h", None)
    assert (second["call_id"], second["decision"], second["decision_reason"]) == (
        "i",
        "reject",
        "no",
    )
    assert before == events


def test_every_event_has_its_place_in_the_record() -> None:
    for at, event in enumerate(EVENTS):
        if not isinstance(event, TextDelta):  # the turn's end has the whole text
            assert fold([*EVENTS[:at], *EVENTS[at + 1 :]]) != fold(EVENTS), event


def test_the_text_of_a_finished_turn_does_not_depend_on_its_pieces() -> None:
    without = [event for event in EVENTS if not isinstance(event, TextDelta)]
    assert fold(without) == fold(EVENTS)


def test_a_request_is_told_with_its_choice_and_limits() -> None:
    told: dict[str, Any] = trace.request(REQUEST)
    assert told["tool_choice"] == {"type": "function", "function": {"name": "add"}}
    assert told["messages"] == [{"role": "user", "content": "Go."}]
    assert told["limits"]["max_steps"] == 12
