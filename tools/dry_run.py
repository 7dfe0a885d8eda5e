"""Which calls are not executed, because somebody only wants to see what would happen.

What it is: a choice by effect and by name, made by the operator and widened by a request, that travels with a
run. A call that it covers is checked, asked of policy and counted as always, and then told instead of made
(`tools.wrappers.dry_run`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from tools.spec import Effect, ToolSpec

DryCalls = Literal["none", "writes", "all"]
"""`writes` are the calls that are not read-only; with `all` nothing is executed."""

_LEVELS: tuple[DryCalls, ...] = ("none", "writes", "all")


@dataclass(frozen=True, slots=True)
class DryRun:
    """`calls` are told by their effect, `tools` (globs) in any case."""

    calls: DryCalls = "none"
    tools: tuple[str, ...] = ()

    def covers(self, tool: ToolSpec) -> bool:
        """Whether calls of this tool are not executed."""
        if self.calls == "none" and not self.tools:
            return False
        if self.calls == "all" or (self.calls == "writes" and tool.effect is not Effect.READ):
            return True
        return any(fnmatchcase(tool.name, glob) for glob in self.tools)

    def widened(self, other: DryRun) -> DryRun:
        """What either of both covers."""
        if other == self:
            return self
        calls = max(self.calls, other.calls, key=_LEVELS.index)
        return replace(self, calls=calls, tools=tuple(dict.fromkeys((*self.tools, *other.tools))))


REAL = DryRun()
"""Every call is made."""
