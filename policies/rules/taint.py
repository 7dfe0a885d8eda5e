"""Calls that untrusted text may have steered: a person decides, or nobody may."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from policies.conversation import brought, said
from policies.decision import ALLOW, Decision, Deny, RequireApproval
from policies.policy import Policy, Subject
from policies.taint.flow import marks
from tools.spec import Effect, ToolSpec, ValidCall

CHANGING = (Effect.WRITE, Effect.DESTROY)


class Taint(Policy):
    """Guards sinks: tools by name (`tools`, globs), effect, and `open_world` unless it is None.

    With `when="flow"` a call of theirs is held when one of its `arguments` (globs) came out of a tool's
    result; with `when="read"` as soon as any result was read, whatever the arguments are. Results of
    tools in `trusted` (globs) count as the operator's own. `then` tells what happens.
    """

    name = "taint"

    def __init__(
        self,
        tools: Sequence[str] = ("*",),
        effects: Sequence[Effect] = CHANGING,
        arguments: Sequence[str] = ("*",),
        trusted: Sequence[str] = (),
        *,
        open_world: bool | None = None,
        when: Literal["flow", "read"] = "flow",
        then: Literal["approval", "deny"] = "approval",
    ) -> None:
        self._tools = tuple(tools)
        self._effects = frozenset(effects)
        self._arguments = tuple(arguments)
        self._trusted = tuple(trusted)
        self._open_world = open_world
        self._when = when
        self._then = then

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        if not self._is_sink(call.tool) or (reason := self._doubt(subject, call)) is None:
            return ALLOW
        decide = Deny if self._then == "deny" else RequireApproval
        return decide(reason, self.name)

    def _is_sink(self, tool: ToolSpec) -> bool:
        return (
            (self._open_world is None or self._open_world == tool.annotations.open_world)
            and tool.effect in self._effects
            and any(fnmatchcase(tool.name, glob) for glob in self._tools)
        )

    def _doubt(self, subject: Subject, call: ValidCall) -> str | None:
        """Why the call is held, in words that repeat nothing of the text."""
        sources = [
            each
            for each in brought(subject.messages)
            if not any(fnmatchcase(each.tool, glob) for glob in self._trusted)
        ]
        if not sources:
            return None
        if self._when == "read":
            return f"it comes after the result of {sources[-1].tool or 'a tool'}, which may have asked for it"
        found = marks(
            call.arguments,
            call.tool.parameters,
            sources,
            said(subject.messages[: subject.asked]),
            self._arguments,
        )
        first = next(found, None)
        return None if first is None else f"{first}, and not from the request"
