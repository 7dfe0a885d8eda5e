"""Which calls a person has to approve first."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from policies.decision import ALLOW, Decision, RequireApproval
from policies.policy import Policy, Subject
from tools.spec import Effect, ValidCall


class Approval(Policy):
    """Calls with one of `effects`, and calls of tools whose name matches one of `tools` (globs)."""

    name = "approval"

    def __init__(self, effects: Sequence[Effect] = (), tools: Sequence[str] = ()) -> None:
        self._effects = frozenset(effects)
        self._tools = tuple(tools)

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        del subject
        effect = call.tool.effect
        if effect in self._effects:
            return RequireApproval(f"its effect is '{effect}'", self.name)
        if any(fnmatchcase(call.name, glob) for glob in self._tools):
            return RequireApproval("the operator wants to see each call of it", self.name)
        return ALLOW
