"""What to make of the calls in a completion: which run, which are handed over, which are refused.

What it is: a pure judgement of one completion; nothing is run here and nothing is remembered.
What it is not: the decision what happens next (`loop.py`).

A completion's `finish_reason` is a claim. What counts is whether the arguments are whole:
- arguments cut although the engine says `stop` or `tool_calls`: the stream broke; nothing of the turn
  is run (`Verdict.cut`);
- `length`: the last call is never run, and those before it only when they read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson
from mistral_common.protocol.instruct.messages import AssistantMessage
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.agent.events import CallAccepted, CallRefused
from gateway.agent.form import Rejected
from policies.decision import ALLOW, Allow, Decision, Deny, RequireApproval
from policies.policy import Policy, Subject
from routing.backend import Completion
from routing.native import new_call_id
from tools.dry_run import REAL, DryRun
from tools.repair import ParseProblem, parse_arguments
from tools.spec import (
    CheckedCall,
    Effect,
    Failure,
    InvalidCall,
    Problem,
    ToolResult,
    ValidCall,
)
from tools.toolset import Toolset

ESCALATE = "escalate"
"""The name of the function by which the intermediary asks for the expert."""

_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_RAW_SHOWN = 500
_NO_CALLS_NOW = "No tool can be called any more in this run; answer with what is known."
_CALLS_USED_UP = (
    "Not run: the calls that this request allows are used up. Answer with what is known."
)
_NO_SUCH_PLACEHOLDER = "{where} holds a placeholder that stands for nothing: write one exactly as it stands in the conversation."
_BESIDE_A_HELD_CALL = (
    "Not handed over: another call of this turn waits for a person. Call it again later."
)
_CUT_BY_LENGTH = "The turn was cut off by its length limit, so this call was not run. Make fewer calls in a turn."


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Verdict:
    """The judgement of one completion.

    `runnable` and `handed` are valid and allowed, in the model's order: the gateway runs the first,
    the app gets the second. `answered` holds a result for each refused call. `held` waits for a
    person. `message` is the turn as the transcript keeps it: always well-formed, ids unique. `rejected`
    is what is wrong with a text that should be a structured answer.
    """

    message: AssistantMessage
    runnable: tuple[ValidCall, ...] = ()
    handed: tuple[ValidCall, ...] = ()
    answered: tuple[ToolResult, ...] = ()
    held: tuple[tuple[ValidCall, RequireApproval], ...] = ()
    events: tuple[CallAccepted | CallRefused, ...] = ()
    invalid: tuple[InvalidCall, ...] = ()
    cut: bool = False
    wish: str | None = None
    rejected: Rejected | None = None

    @property
    def answers(self) -> bool:
        """The turn is text and nothing else."""
        return self._is_plain and bool(self.message.content)

    @property
    def empty(self) -> bool:
        """The turn brought nothing at all."""
        return self._is_plain and not self.message.content

    @property
    def keeps(self) -> bool:
        """Whether the turn belongs into the transcript; a cut, empty or wishing one is asked anew."""
        return not self.cut and self.wish is None and not self.empty

    @property
    def _is_plain(self) -> bool:
        return not self.message.tool_calls and not self.cut and self.wish is None

    @property
    def text(self) -> str:
        """What the turn says."""
        return str(self.message.content or "")


class _Sorted:
    """The calls of a turn while they are being sorted."""

    def __init__(self) -> None:
        self.runnable: list[ValidCall] = []
        self.handed: list[ValidCall] = []
        self.answered: list[ToolResult] = []
        self.held: list[tuple[ValidCall, RequireApproval]] = []
        self.events: list[CallAccepted | CallRefused] = []
        self.invalid: list[InvalidCall] = []

    def refuse(self, step: int, checked: CheckedCall, why: str, failure: Failure) -> None:
        """The call does not run; the model reads why."""
        invalid = checked if isinstance(checked, InvalidCall) else None
        if invalid is not None:
            self.invalid.append(invalid)
        self.answered.append(
            ToolResult(checked.id, checked.name, orjson.dumps({"error": why}).decode(), failure)
        )
        self.events.append(CallRefused(step, checked.id, checked.name, why, invalid))

    def take_back_handed(self, step: int) -> None:
        """The app will be gone when a person has decided, so its own calls can't wait for that."""
        ids = {call.id for call in self.handed}
        self.events = [
            each for each in self.events if isinstance(each, CallRefused) or each.call.id not in ids
        ]
        for call in self.handed:
            self.refuse(step, call, _BESIDE_A_HELD_CALL, Failure.DENIED)
        self.handed = []


def select(
    calls: Sequence[ToolCall],
    *,
    parallel: bool,
    most: int,
    is_client: Callable[[str], bool],
    ended: bool = True,
) -> tuple[tuple[ToolCall, ...], tuple[str, ...]]:
    """The calls of a turn that count, with canonical unique ids, and a note for each that doesn't.

    Without `parallel` only the first counts; `most` bounds a turn. The same call of a tool that the
    gateway runs counts once. An app gets its own calls (`is_client` of their names) as often as they
    were made, since two throws of a die are two; but not of a model that could not stop: one with
    more than `most`, or that was cut off (`ended` False).
    """
    if not calls:
        return (), ()
    stopped = ended and len(calls) <= most
    notes: list[str] = []
    kept: list[ToolCall] = []
    seen: set[tuple[str, str]] = set()
    ids: set[str] = set()
    limit = min(most, 1) if not parallel else most
    for call in calls:
        name = call.function.name
        signature = (name, call.function.arguments)
        if signature in seen and not (stopped and is_client(name)):
            notes.append(f"dropped a repeated call of {name[:64]}")
            continue
        if len(kept) >= limit:
            notes.append(f"dropped call {len(kept) + 1} and later: at most {limit} a turn")
            break
        seen.add(signature)
        if call.id in ids or not _CALL_ID.fullmatch(call.id):
            call = call.model_copy(update={"id": new_call_id()})  # noqa: PLW2901
        kept.append(call)
        ids.add(call.id)
    return tuple(kept), tuple(notes)


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Known:
    """What came out about a call before its turn was judged. `decision` None: not asked yet."""

    call: ToolCall
    checked: CheckedCall
    decision: Decision | None = None


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Court:
    """What a completion is judged by: the run's tools, the operator's rules, on whose behalf.

    `calls_left` is how many calls may still be run here, None for any number. `unknown` tells of calls, by
    id, where in them a placeholder stands that stands for nothing. A call that came up before its
    turn was over (`gateway.agent.early`) is `known`: it is checked once, and the operator asked once. What
    `dry` covers is not executed, so nobody is asked to approve it.
    """

    step: int
    toolset: Toolset
    policies: Policy
    subject: Subject
    calls_left: int | None
    unknown: Mapping[str, str]
    known: dict[str, Known]
    dry: DryRun = REAL

    def check(self, call: ToolCall) -> CheckedCall:
        """Whether a call is valid, before its turn is judged."""
        checked = self.toolset.check(call)
        self.known[call.id] = Known(call, checked)
        return checked

    def decide(self, call: ValidCall) -> Decision:
        """What the operator says to a call that was checked, before its turn is judged."""
        decision = self.policies.on_call(self.subject, call)
        self.known[call.id] = Known(self.known[call.id].call, call, decision)
        return decision

    def judge(
        self, completion: Completion, calls: Sequence[ToolCall], *, callable_now: bool
    ) -> Verdict:
        """Sort the `calls` (from `select`) of a completion.

        With `callable_now` False (a forced answer) every call is refused, valid or not.
        """
        if not calls:
            return Verdict(AssistantMessage(content=completion.text))
        for call in calls:
            if call.function.name == ESCALATE and ESCALATE not in self.toolset:
                return Verdict(AssistantMessage(content=completion.text), wish=_wish(call))
        checked = [self._checked(call) for call in calls]
        if self.unknown:
            checked = [_known(one, self.unknown.get(one.id)) for one in checked]
        by_length = completion.finish_reason == "length"
        if by_length:
            checked[-1] = _cut(checked[-1])
        elif any(isinstance(c, InvalidCall) and c.problem is Problem.TRUNCATED for c in checked):
            return Verdict(AssistantMessage(content=completion.text), cut=True)
        done = _Sorted()
        for one in checked:
            if not callable_now:
                done.refuse(self.step, one, _NO_CALLS_NOW, Failure.INVALID_CALL)
            elif isinstance(one, InvalidCall):
                done.refuse(self.step, one, advice(one), Failure.INVALID_CALL)
            elif by_length and one.tool.effect is not Effect.READ:
                done.refuse(self.step, one, _CUT_BY_LENGTH, Failure.INVALID_CALL)
            else:
                self._apply_policy(done, one)
        if done.held:
            done.take_back_handed(self.step)
        return Verdict(
            message=AssistantMessage(
                content=completion.text or None,
                tool_calls=list(map(_kept, calls, checked)),
            ),
            runnable=tuple(done.runnable),
            handed=tuple(done.handed),
            answered=tuple(done.answered),
            held=tuple(done.held),
            events=tuple(done.events),
            invalid=tuple(done.invalid),
        )

    def _checked(self, call: ToolCall) -> CheckedCall:
        known = self.known.get(call.id)
        if known is not None and _is_same(known.call, call):
            return known.checked
        return self.toolset.check(call)

    def _decided(self, call: ValidCall) -> Decision:
        known = self.known.get(call.id)
        if known is not None and known.checked is call and known.decision is not None:
            return known.decision
        return self.policies.on_call(self.subject, call)

    def _apply_policy(self, done: _Sorted, call: ValidCall) -> None:
        decision, client = self._decided(call), self.toolset.is_client(call.name)
        if isinstance(decision, RequireApproval) and not client and self.dry.covers(call.tool):
            call, decision = replace(call, approval=decision.reason), ALLOW
        match decision:
            case Allow():
                if not client and len(done.runnable) == self.calls_left:
                    done.refuse(self.step, call, _CALLS_USED_UP, Failure.DENIED)
                    return
                (done.handed if client else done.runnable).append(call)
                done.events.append(CallAccepted(self.step, call, client))
            case Deny(reason=reason):
                done.refuse(self.step, call, f"Not allowed: {reason}", Failure.DENIED)
            case RequireApproval() as approval:
                done.held.append((call, approval))


def _is_same(one: ToolCall, other: ToolCall) -> bool:
    """Word for word; pydantic's own comparison takes its time."""
    return (one.function.name, one.function.arguments) == (
        other.function.name,
        other.function.arguments,
    )


def _wish(call: ToolCall) -> str:
    """The reason that the model gives for calling `escalate`; it may be spelled badly."""
    arguments = parse_arguments(call.function.arguments, [])
    reason = None if isinstance(arguments, ParseProblem) else arguments.get("reason")
    return str(reason)[:_RAW_SHOWN] if reason else "The model asked for help."


def _known(checked: CheckedCall, where: str | None) -> CheckedCall:
    """The call as it was checked, unless a placeholder in it stands for nothing."""
    sound = isinstance(checked, ValidCall) or checked.problem is Problem.SCHEMA
    if where is None or not sound:
        return checked
    raw = checked.arguments_json() if isinstance(checked, ValidCall) else checked.raw_arguments
    why = _NO_SUCH_PLACEHOLDER.format(where=where)
    return InvalidCall(checked.id, checked.name, raw, Problem.PLACEHOLDER, why, where)


def _cut(checked: CheckedCall) -> InvalidCall:
    if isinstance(checked, InvalidCall):
        return replace(checked, problem=Problem.TRUNCATED, message=_CUT_BY_LENGTH)
    return InvalidCall(
        checked.id, checked.name, checked.arguments_json(), Problem.TRUNCATED, _CUT_BY_LENGTH
    )


def advice(invalid: InvalidCall) -> str:
    """What the model is told so that it can mend the call."""
    if invalid.problem is Problem.SCHEMA and invalid.path not in ("", "$"):
        return f"Invalid arguments at {invalid.path}: {invalid.message}"
    return invalid.message


def _kept(call: ToolCall, checked: CheckedCall) -> ToolCall:
    """The call as the transcript keeps it: a well-formed name, arguments that are a JSON object.

    Every tokenizer re-reads past calls as JSON, so what a model spelled badly is kept as a string
    inside an object and not as it came. What came like that already, as many engines write it, is kept.
    """
    if isinstance(checked, ValidCall):
        name, arguments = checked.name, checked.arguments_json()
    else:
        name = checked.name if _NAME.fullmatch(checked.name) else "invalid_name"
        arguments = _safe(checked.raw_arguments)
    if arguments == call.function.arguments and name == call.function.name:
        return call
    return ToolCall(id=checked.id, function=FunctionCall(name=name, arguments=arguments))


def _safe(raw: str) -> str:
    try:
        if isinstance(orjson.loads(raw), dict):
            return raw
    except orjson.JSONDecodeError:
        pass
    shown = raw[:_RAW_SHOWN].encode("utf-8", "replace").decode()
    return json.dumps({"invalid": shown}, ensure_ascii=False)
