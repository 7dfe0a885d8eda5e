"""Which tools may be used at all, by name."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from policies.decision import ALLOW, Decision, Deny
from policies.policy import Policy, Subject
from tools.spec import ToolSpec, ValidCall


class ToolAccess(Policy):
    """Tools whose name matches `allow` and none of `deny` (shell globs). Others are not even offered.

    A call is judged again when it is made: the app may have named a tool of its own like a denied one.
    """

    name = "tool_access"

    def __init__(self, allow: Sequence[str] = ("*",), deny: Sequence[str] = ()) -> None:
        self._allow = tuple(allow)
        self._deny = tuple(deny)

    def on_offer(self, subject: Subject, tool: ToolSpec) -> bool:
        del subject
        return self._permits(tool.name)

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        del subject
        if self._permits(call.name):
            return ALLOW
        return Deny(f"the operator does not allow the tool {call.name}", self.name)

    def _permits(self, tool: str) -> bool:
        allowed = any(fnmatchcase(tool, glob) for glob in self._allow)
        return allowed and not any(fnmatchcase(tool, glob) for glob in self._deny)
