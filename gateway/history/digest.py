"""A run in one line: what a list shows of it, and what a list can be filtered by.

Pure. Costs in US dollars, durations in seconds, times in seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.storage.records import RunRecord

_LONGEST_QUESTION = 240


@dataclass(frozen=True, slots=True)
class Filter:
    """What a run has to have had; None and False ask for nothing.

    `tool` is a tool that was called or refused, `failed_tool` asks for a call that failed or was
    refused, `escalated` for an escalation. `text` is looked for in the question and in the answer, in
    any case.
    """

    tool: str | None = None
    failed_tool: bool = False
    escalated: bool = False
    text: str | None = None

    def wants(self, record: RunRecord) -> bool:
        """Whether a run has all of it."""
        trace = record.trace
        if self.escalated and not trace["escalations"]:
            return False
        if self.tool is not None and self.tool not in tools_of(trace):
            return False
        if self.failed_tool and not any(went_wrong(trace)):
            return False
        if self.text is None:
            return True
        sought = self.text.casefold()
        return any(
            sought in told.casefold()
            for told in (question(trace["request"]["messages"]), trace["answer"] or "")
        )


def digest(record: RunRecord) -> dict[str, Any]:
    """The head of a run and what it came to, without its steps."""
    trace = record.trace
    steps = trace["steps"]
    finished = record.finished_at
    return {
        "id": record.run_id,
        "object": "run",
        "status": record.status,
        "created_at": record.created_at,
        "finished_at": finished,
        "model": record.role,
        "error": record.error,
        "question": question(trace["request"]["messages"]),
        "turns": len(steps),
        "calls": sum(len(step["calls"]) for step in steps),
        "failed_calls": sum(went_wrong(trace)),
        "tools": tools_of(trace),
        "escalations": len(trace["escalations"]),
        "total_tokens": trace["usage"]["total_tokens"] or _tokens(steps),
        "cost_usd": trace["cost_usd"] or sum(step["cost_usd"] for step in steps),
        "elapsed_s": None if finished is None else finished - record.created_at,
        "dry_run": trace["request"].get("dry_run", "none"),
    }


def question(messages: Sequence[Mapping[str, Any]]) -> str:
    """The last thing that the user said, shortened."""
    for message in reversed(messages):
        if message["role"] == "user":
            said = " ".join(_texts(message.get("content")))
            one_line = " ".join(said.split())
            long = len(one_line) > _LONGEST_QUESTION
            return one_line[: _LONGEST_QUESTION - 1] + "…" if long else one_line
    return ""


def tools_of(trace: dict[str, Any]) -> list[str]:
    """The tools that were called or refused, each once, in their order."""
    named = (call["name"] for step in trace["steps"] for call in (*step["calls"], *step["refused"]))
    return list(dict.fromkeys(named))


def went_wrong(trace: dict[str, Any]) -> Iterator[bool]:
    """A truth for each call that failed or was refused."""
    for step in trace["steps"]:
        for call in step["calls"]:
            if call["result"] is not None and call["result"]["failure"]:
                yield True
        for _ in step["refused"]:
            yield True


def _tokens(steps: list[dict[str, Any]]) -> int:
    return sum(step["usage"]["total_tokens"] for step in steps if step["usage"])


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:  # pyright: ignore[reportUnknownVariableType]
            if isinstance(part, dict) and isinstance(text := part.get("text"), str):  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
                yield text
