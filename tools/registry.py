"""Where tools are registered: written under a lock, read without one.

What it is: one mutable reference to an immutable `Toolset`. A reader takes `snapshot()` once and keeps
a consistent view however long its run lasts; a writer builds the next toolset and swaps it in.
What it is not: storage. What survives a restart is the composition root's business.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol

from mistral_common.protocol.instruct.tool_calls import ToolCall

from tools.executor import CallContext, Executor
from tools.spec import CheckedCall, ToolResult, ToolSpec, ValidCall
from tools.toolset import Toolset, compile_entry
from tools.wrappers import Upstream, standard_wrappers


class Wrap(Protocol):
    """What is put around an executor; `upstream` is what the tool shares with others, if anything."""

    def __call__(
        self, executor: Executor, spec: ToolSpec, upstream: Upstream | None
    ) -> Executor: ...


class Registry:
    """Tools by name. Safe to use from any number of threads and tasks.

    `wrap` is what every executor is wrapped in: by default timeout, retries by effect, a breaker and a
    bound on the result, so that no way of registering a tool can forget them.
    """

    def __init__(self, wrap: Wrap = standard_wrappers) -> None:
        self._wrap = wrap
        self._current = Toolset()
        self._writing = threading.Lock()
        self._told: list[Callable[[], object]] = []

    def snapshot(self) -> Toolset:
        """The tools as they are now; what is registered later is not in it."""
        return self._current

    def register(
        self,
        spec: ToolSpec,
        executor: Executor,
        *,
        replace: bool = False,
        upstream: Upstream | None = None,
    ) -> None:
        """Add a tool at the end, or put it in the place of one of the same name with `replace`.

        `executor` comes bare: the registry wraps it. Tools that go to the same place share `upstream`.
        Raises `RegistrationError` (where and why), `NameTaken` when the name, or one that models could
        confuse with it, is in use.
        """
        entry = compile_entry(spec, self._wrap(executor, spec, upstream))
        with self._writing:
            self._current = self._current.with_entry(entry, replace=replace)
        self._tell()

    def remove(self, name: str) -> ToolSpec:
        """Take a tool away and give its spec. Raises `UnknownTool`. Running calls go on."""
        with self._writing:
            removed = self._current.get(name)
            self._current = self._current.without(lambda spec: spec.name == name)
        self._tell()
        return removed

    def on_change(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call `listener` after each change, in the thread that made it; gives what ends that.

        The listener must not raise and must not wait.
        """
        self._told.append(listener)
        return partial(self._told.remove, listener)

    def _tell(self) -> None:
        for listener in tuple(self._told):
            listener()

    def get(self, name: str) -> ToolSpec:
        """Raises `UnknownTool`."""
        return self._current.get(name)

    def check(self, call: ToolCall) -> CheckedCall:
        """`Toolset.check` on the tools as they are now."""
        return self._current.check(call)

    async def execute(self, call: ValidCall, context: CallContext) -> ToolResult:
        """`Toolset.execute` on the tools as they are now."""
        return await self._current.execute(call, context)
