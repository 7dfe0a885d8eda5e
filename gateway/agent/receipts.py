"""Between a tool's results and the ledger's receipts: what is written down, and what the model reads of it."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.storage.ledger import Entry, EntryState, Receipt
from tools.spec import Failure, ToolResult, ValidCall

_UNKNOWN = (
    "It is not known whether this call took effect, and it was not made again. A person has been asked. "
    "Do not call it again; say so in your answer."
)
_LATE = (
    "The tool did not answer within the run's deadline. It may or may not have taken "
    "effect; do not call it again, say so instead."
)


def of_result(result: ToolResult) -> Receipt:
    """What an executed call leaves: done, failed, or nobody knows."""
    state: EntryState
    match result.failure:
        case None:
            state = "done"
        case Failure.UNKNOWN_OUTCOME:
            state = "unknown"
        case _:
            state = "failed"
    kept = {"content": result.content, "failure": result.failure, "elapsed_s": result.elapsed_s}
    return Receipt(state, "tool", kept, result.content if state == "unknown" else "")


def of_entry(call: ValidCall, entry: Entry) -> ToolResult:
    """What the model reads when the call was made before."""
    brought = entry.result or {}
    match entry.state:
        case "begun" | "unknown":
            return _told(call, {"error": _UNKNOWN}, Failure.UNKNOWN_OUTCOME)
        case "not_done":
            return _told(call, {"error": f"It did not take effect. {entry.note}"}, Failure.TOOL)
        case "done" if entry.by != "tool":
            return _told(call, {"status": "done", "note": entry.note, **_found(brought)}, None)
        case "done" | "failed":
            failure = brought.get("failure")
            content = str(brought.get("content", ""))
            return ToolResult(call.id, call.name, content, Failure(failure) if failure else None)


def not_begun(call: ValidCall, failure: Failure, why: str) -> ToolResult:
    """Nothing was done."""
    return _told(call, {"error": f"Not begun: {why}."}, failure)


def late(call: ValidCall) -> ToolResult:
    """Nobody waits any more, and the write goes on."""
    return _told(call, {"error": _LATE}, Failure.UNKNOWN_OUTCOME)


def _found(brought: dict[str, Any]) -> dict[str, Any]:
    return {"found": brought["found"]} if "found" in brought else {}


def _told(call: ValidCall, said: dict[str, Any], failure: Failure | None) -> ToolResult:
    return ToolResult(call.id, call.name, orjson.dumps(said).decode(), failure)
