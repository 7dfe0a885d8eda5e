"""What the loop remembers of a run in order to know that it goes nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from gateway.agent.verdict import Verdict
from routing.escalation import Evidence
from tools.spec import Problem, ToolResult, ValidCall


@cache
def _nothing_yet(context_tokens: int) -> Evidence:
    """What is known when a run begins. Kept, since every run begins so; of windows there are few."""
    return Evidence(context_tokens=context_tokens)


class Progress:
    """Counts since the last good decision. One a run, used by its loop alone.

    `context_tokens` is the intermediary's window, 0 when unknown.
    """

    __slots__ = ("_seen", "evidence")

    def __init__(self, context_tokens: int) -> None:
        self.evidence = _nothing_yet(context_tokens)
        self._seen: dict[tuple[str, str, str], int] = {}

    def note_turn(
        self, verdict: Verdict, results: Sequence[tuple[ValidCall, ToolResult]], prompt_tokens: int
    ) -> Evidence:
        """Take in a judged turn and what its calls brought; gives the evidence as it stands now."""
        before = self.evidence
        unknown = any(call.problem is Problem.UNKNOWN_TOOL for call in verdict.invalid)
        repeats = max((self._repeats(call, result) for call, result in results), default=0)
        failed = sum(result.is_error for _, result in results)
        all_failed = bool(results) and failed == len(results)
        self.evidence = Evidence(
            invalid_turns=before.invalid_turns + 1 if verdict.invalid else 0,
            unknown_turns=before.unknown_turns + 1 if unknown else 0,
            unusable_turns=0,
            repeats=repeats,
            tool_errors=before.tool_errors + failed if all_failed else 0,
            wish=verdict.wish,
            prompt_tokens=prompt_tokens,
            context_tokens=before.context_tokens,
            problem=_describe(verdict),
        )
        return self.evidence

    def note_unusable(self, problem: str) -> Evidence:
        """A turn that brought neither answer nor call, or broke off: it is asked again."""
        before = self.evidence
        self.evidence = Evidence(
            unusable_turns=before.unusable_turns + 1,
            invalid_turns=before.invalid_turns,
            unknown_turns=before.unknown_turns,
            invalid_outputs=before.invalid_outputs,
            context_tokens=before.context_tokens,
            problem=problem,
        )
        return self.evidence

    def note_rejected(self, problem: str) -> Evidence:
        """A structured answer that does not have its form."""
        before = self.evidence
        self.evidence = Evidence(
            invalid_outputs=before.invalid_outputs + 1,
            context_tokens=before.context_tokens,
            problem=problem,
        )
        return self.evidence

    def start_afresh(self) -> None:
        """Another model decided, or the matter was given up: old counts say nothing any more."""
        self.evidence = Evidence(context_tokens=self.evidence.context_tokens)
        self._seen.clear()

    def _repeats(self, call: ValidCall, result: ToolResult) -> int:
        key = (call.name, call.arguments_json(), result.content)
        self._seen[key] = self._seen.get(key, 0) + 1
        return self._seen[key]


def _describe(verdict: Verdict) -> str:
    return " ".join(f"{call.name[:64]}: {call.message}" for call in verdict.invalid[:2])
