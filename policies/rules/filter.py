"""Words, patterns, personal data and secrets: masked, blocked, flagged, or left to a person."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal, cast

import orjson
from mistral_common.protocol.instruct.messages import ChatMessage, ToolMessage

from policies.conversation import words
from policies.decision import ALLOW, Allow, Decision, Deny, RequireApproval
from policies.filters.sieve import Detector, Segment, Sieve, segments
from policies.policy import Policy, Screen, Subject
from tools.spec import Effect, Failure, ToolResult, ValidCall

Place = Literal["input", "call", "result", "output"]
Action = Literal["mask", "block", "flag", "hold"]

_log = logging.getLogger("policies.filter")
_REMEMBERED = 512


class Filter(Policy):
    """What `detectors` find is treated with `action`, `at` the places that it names.

    input    what users and the app say: masked before any model reads it; blocked: the request is denied
    call     a call's arguments: never rewritten; masked and blocked: denied; held: a person approves
    result   what tools bring: masked; blocked: the model reads that it was withheld
    output   the answer, while it is streamed: masked; blocked: it ends there

    What is found in input and results with `hold` leaves reading free: every later call that changes
    something needs a person. `mask` may hold `{kind}`. Texts are in no reason and no log.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        action: Action,
        at: Iterable[Place],
        mask: str = "[{kind}]",
        name: str = "filter",
    ) -> None:
        self.name = name
        self._detectors = tuple(detectors)
        self._action: Action = action
        self._at = frozenset(at)
        self._mask = mask
        self._kind_in = lru_cache(maxsize=_REMEMBERED)(self._first_kind)

    def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
        if self._action in ("block", "flag") and "input" in self._at:
            for message in messages:
                if (
                    isinstance(message, ToolMessage)
                    or (kind := self._kind_in(words(message))) is None
                ):
                    continue
                if self._action == "block":
                    return Deny(
                        f"the request holds what the operator does not allow: {kind}", self.name
                    )
                self._flag(subject, kind, "input")
                break
        return ALLOW

    def on_messages(
        self, subject: Subject, messages: Sequence[ChatMessage]
    ) -> Sequence[ChatMessage]:
        del subject
        if self._action not in ("mask", "block"):
            return messages
        return [self._read(message) for message in messages]

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        if "call" in self._at:
            kind = next(filter(None, map(self._kind_in, _texts(call.arguments))), None)
            if kind is not None:
                return self._judged(subject, kind)
        if self._action == "hold" and call.tool.effect is not Effect.READ:
            for message in subject.messages:
                kind = self._kind_in(words(message)) if self._place(message) in self._at else None
                if kind is not None:
                    return RequireApproval(f"the conversation holds {kind}", self.name)
        return ALLOW

    def on_result(self, subject: Subject, call: ValidCall, result: ToolResult) -> ToolResult:
        del call
        if "result" not in self._at or (kind := self._kind_in(result.content)) is None:
            return result
        if self._action == "mask":
            return replace(result, content=self._masked(result.content))
        if self._action == "block":
            return replace(result, content=_withheld(kind), failure=Failure.DENIED)
        self._flag(subject, kind, "result")
        return result

    def screen(self, subject: Subject) -> Screen | None:
        if "output" not in self._at or self._action == "hold":
            return None
        return _FilterScreen(self, subject, self._detectors, self._action)

    def spelled(self, segment: Segment) -> str:
        """What goes out in place of a segment."""
        if segment.kind is None:
            return segment.text
        return self._mask.replace("{kind}", segment.kind)

    def _judged(self, subject: Subject, kind: str) -> Decision:
        if self._action == "hold":
            return RequireApproval(f"its arguments hold {kind}", self.name)
        if self._action == "flag":
            self._flag(subject, kind, "call")
            return ALLOW
        return Deny(f"its arguments hold what the operator does not allow: {kind}", self.name)

    def _read(self, message: ChatMessage) -> ChatMessage:
        """A message of the request as a model may read it."""
        place = self._place(message)
        if place not in self._at or (kind := self._kind_in(words(message))) is None:
            return message
        if self._action == "block":
            withheld = {"content": _withheld(kind)}
            return message.model_copy(update=withheld) if place == "result" else message
        content: Any = message.content
        if isinstance(content, str):
            masked: Any = self._masked(content)
        else:
            masked = [
                part.model_copy(update={"text": self._masked(part.text)})
                if hasattr(part, "text")
                else part
                for part in content
            ]
        return message.model_copy(update={"content": masked})

    def _place(self, message: ChatMessage) -> Place:
        return "result" if isinstance(message, ToolMessage) else "input"

    def _masked(self, text: str) -> str:
        return "".join(map(self.spelled, segments(text, self._detectors)))

    def _first_kind(self, text: str) -> str | None:
        found = (each.kind for each in segments(text, self._detectors) if each.kind)
        return next(found, None)

    def _flag(self, subject: Subject, kind: str, place: Place) -> None:
        _log.warning("%s: %s in %s of run %s", self.name, kind, place, subject.run_id)

    def note(self, subject: Subject, kind: str) -> None:
        """Record what a screen found with `flag`."""
        self._flag(subject, kind, "output")


class _FilterScreen:
    """One turn's text through a rule."""

    def __init__(
        self, rule: Filter, subject: Subject, detectors: Sequence[Detector], action: Action
    ) -> None:
        self._rule = rule
        self._subject = subject
        self._sieve = Sieve(detectors)
        self._action = action
        self._stopped: str | None = None
        self._noted = False

    @property
    def stopped(self) -> str | None:
        return self._stopped

    def feed(self, text: str) -> str:
        return "" if self._stopped else self._passed(self._sieve.feed(text))

    def finish(self) -> str:
        return "" if self._stopped else self._passed(self._sieve.finish())

    def _passed(self, found: Iterable[Segment]) -> str:
        out: list[str] = []
        for segment in found:
            if segment.kind is None:
                out.append(segment.text)
            elif self._action == "block":
                self._stopped = f"{self._rule.name}: {segment.kind}"
                break
            elif self._action == "flag":
                if not self._noted:
                    self._rule.note(self._subject, segment.kind)
                self._noted = True
                out.append(segment.text)
            else:
                out.append(self._rule.spelled(segment))
        return "".join(out)


def _withheld(kind: str) -> str:
    return orjson.dumps({"error": f"withheld by the operator: it holds {kind}"}).decode()


def _texts(value: Any) -> Iterator[str]:
    """What stands in a call's arguments: its texts, keys and numbers."""
    stack = [value]
    while stack:
        inner = stack.pop()
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, dict):
            known = cast("dict[str, Any]", inner)
            stack += [*known.keys(), *known.values()]
        elif isinstance(inner, list):
            stack += cast("list[Any]", inner)
        elif inner is not None and not isinstance(inner, bool):
            yield json.dumps(inner)
