"""Where tools are registered: written under a lock, read without one.

What it is: the tools that are there, and an immutable `Toolset` of them. A reader takes `snapshot()` once
and keeps a consistent view however long its run lasts; it is made when it is first asked for after a
change, so that registering a tool costs the same whatever is there already. Beside it, an index by which
tools are found (`tools.retrieval`).
What it is not: storage. What survives a restart is the composition root's business.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from mistral_common.protocol.instruct.tool_calls import ToolCall

from tools.executor import CallContext, Executor
from tools.retrieval.index import ToolIndex
from tools.spec import CheckedCall, JSONObject, ToolResult, ToolSpec, ValidCall
from tools.toolset import Entry, Toolset, compile_entry, names_taken, require_free, unknown_tool
from tools.versions import SEPARATOR, History, Standing
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
        self._entries: dict[str, Entry] = {}
        self._taken = names_taken(())
        self._current: Toolset | None = Toolset()
        self.index = ToolIndex()
        self._histories: dict[str, History] = {}
        self._canaries: tuple[str, ...] = ()
        self._writing = threading.Lock()
        self._told: list[Callable[[], object]] = []

    def snapshot(self) -> Toolset:
        """The tools as they are now; what is registered later is not in it."""
        current = self._current
        if current is None:
            with self._writing:
                current = self._current = self._current or Toolset(self._entries.copy())
        return current

    def register(
        self,
        spec: ToolSpec,
        executor: Executor,
        *,
        replace: bool = False,
        upstream: Upstream | None = None,
        standing: Standing | None = None,
    ) -> None:
        """Add a tool at the end, or a version in the place of one of the same name with `replace`.

        `standing` is what is said of it beside its definition. Raises what `compiled` raises, and `NameTaken`
        when the name, or one that models could confuse with it, is in use.
        """
        entry = self.compiled(spec, executor, upstream)
        with self._writing:
            history = self.grown(entry, replace=replace)
            self._put(history if standing is None else history.with_standing(standing))
        self._tell()

    def compiled(
        self, spec: ToolSpec, executor: Executor, upstream: Upstream | None = None
    ) -> Entry:
        """What a definition comes to; nothing is registered. Raises `RegistrationError` (where and why).

        `executor` comes bare: the registry wraps it. Tools that go to the same place share `upstream`.
        """
        entry = compile_entry(spec, self._wrap(executor, spec, upstream))
        return entry if upstream is None else dataclasses.replace(entry, bounds=upstream.bounds)

    def grown(
        self,
        entry: Entry,
        document: JSONObject | None = None,
        *,
        replace: bool = False,
        last: int = 0,
    ) -> History:
        """A tool's history with this definition as the current one; nothing is registered.

        `document` is what an author wrote, `last` a number up to which versions were given before.
        Raises `NameTaken`.
        """
        name = entry.spec.name
        require_free(name, self._taken, replace=replace)
        return (self._histories.get(name) or History(name, last=last)).with_entry(entry, document)

    def put(self, history: History) -> None:
        """Have a tool with this history, which came about elsewhere. Raises `NameTaken`."""
        with self._writing:
            require_free(history.name, self._taken, replace=history.name in self._entries)
            self._put(history)
        self._tell()

    def history(self, name: str) -> History:
        """A tool's versions. Raises `UnknownTool`."""
        if (history := self._histories.get(name)) is None:
            raise unknown_tool(name)
        return history

    def _put(self, history: History) -> None:
        entry = history.versions[history.current].entry
        self._histories[history.name] = history
        self._entries[history.name] = entry
        self._taken |= names_taken([history.name])
        self.index.add(entry.spec)
        self._current = None
        if history.canary is not None or history.name in self._canaries:
            self._find_canaries()

    def _find_canaries(self) -> None:
        trying = [name for name, each in self._histories.items() if each.canary is not None]
        self._canaries = tuple(trying)

    def offered(self, globs: Sequence[str], run_id: str) -> Toolset:
        """What a run may call of these: `name@3` and `name@stable` are a tool at that version.

        For the others a canary may stand in. Raises `UnknownTool` for a version that is not there.
        """
        toolset = self.snapshot()
        for name in self._canaries:
            history = self._histories.get(name)
            if history and history.canary and history.canary.takes(name, run_id):
                tried = history.versions[history.canary.version].entry
                toolset = toolset.joined(Toolset({name: tried}))
        pinned = [glob for glob in globs if SEPARATOR in glob]
        for reference in pinned:
            toolset = self.pinned(reference, toolset)
        if "*" in globs:
            return toolset
        return toolset.select([glob.partition(SEPARATOR)[0] for glob in globs] if pinned else globs)

    def pinned(self, reference: str, toolset: Toolset | None = None) -> Toolset:
        """All tools, one of them at the version that `name@3` names. Raises `UnknownTool`."""
        toolset = self.snapshot() if toolset is None else toolset
        name, _, label = reference.partition(SEPARATOR)
        history = self.history(name)
        return toolset.joined(Toolset({name: history.find(label).entry})) if label else toolset

    def at(self, digests: Mapping[str, str]) -> Toolset:
        """The tools of these names at the versions of these digests, as far as they are still kept."""
        found: dict[str, Entry] = {}
        for name, digest in digests.items():
            history = self._histories.get(name)
            for version in history.versions.values() if history else ():
                if version.digest == digest:
                    found[name] = version.entry
        return Toolset(found)

    def remove(self, name: str) -> ToolSpec:
        """Take a tool away and give its spec. Raises `UnknownTool`. Running calls go on."""
        with self._writing:
            if (removed := self._entries.pop(name, None)) is None:
                raise unknown_tool(name)
            for normal in names_taken([name]):
                del self._taken[normal]
            self.index.remove(name)
            del self._histories[name]
            self._find_canaries()
            self._current = None
        self._tell()
        return removed.spec

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
        return self.snapshot().get(name)

    def check(self, call: ToolCall) -> CheckedCall:
        """`Toolset.check` on the tools as they are now."""
        return self.snapshot().check(call)

    async def execute(self, call: ValidCall, context: CallContext) -> ToolResult:
        """`Toolset.execute` on the tools as they are now."""
        return await self.snapshot().execute(call, context)
