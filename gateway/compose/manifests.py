"""The entries of manifests, as tools in a registry.

What it is: the one way from an entry to a tool, for a gateway that starts and for an author who asks whether it
would (`gateway tools lint`). What is wrong is gathered over all of them.
What it is not: reading files (`gateway.manifests`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from glob import glob
from pathlib import Path
from typing import Any

from gateway.compose.error import CompositionError
from gateway.compose.isolation import Isolating
from gateway.compose.mcp import definitions_of
from gateway.compose.mcp import source_of as mcp_source
from gateway.compose.modules import load_module, where_modules_are
from gateway.compose.openapi import register_openapi, source_of
from gateway.compose.overrides import override_of, standing_of
from gateway.manifests.entries import HttpEntry, McpEntry, OpenAPIEntry, PythonEntry
from gateway.manifests.mending import every_problem
from gateway.manifests.placed import Placed
from gateway.manifests.problem import Problem
from gateway.manifests.reading import read_manifest
from gateway.settings import Settings
from tools.bounds import UpstreamBounds
from tools.errors import RegistrationError, ToolUnavailable
from tools.executor import CallContext, Executor
from tools.executors.function import as_tool, is_tool, tool
from tools.executors.http_session import HttpSessions
from tools.openapi.importing import Refused, import_document
from tools.openapi.reading import is_url, read_source
from tools.overrides import Override, overridden, require_known
from tools.registration import build
from tools.registry import Registry
from tools.spec import DECLARED, ToolSpec, ValidCall
from tools.wrappers import Upstream


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a registered tool comes from; `pointer` is that of an operation in its document."""

    name: str
    placed: Placed
    pointer: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of entries. `servers` are for whoever connects to them."""

    tools: list[Origin] = field(default_factory=list[Origin])
    servers: list[tuple[Placed, McpEntry]] = field(default_factory=list[tuple[Placed, McpEntry]])
    refused: list[tuple[Placed, Refused]] = field(default_factory=list[tuple[Placed, Refused]])
    unread: list[Placed] = field(default_factory=list[Placed])
    """Documents at URLs, where nothing may be asked for."""
    problems: list[Problem] = field(default_factory=list[Problem])


class _NotCalled:
    """The executor of a tool that is only looked at."""

    async def execute(self, call: ValidCall, context: CallContext) -> Any:  # noqa: ARG002 - the seam's
        raise ToolUnavailable(f"{call.name} is only looked at", sent=False)


class Manifests:
    """Registers entries one by one. `fetch` says whether documents are asked for over the network."""

    def __init__(
        self,
        registry: Registry,
        sessions: HttpSessions | None = None,
        *,
        allow_private: bool = False,
        fetch: bool = True,
        servers: Sequence[str] = (),
        isolating: Isolating | None = None,
    ) -> None:
        """`servers` are names of MCP servers that are taken; `isolating` is asked about every function."""
        self._registry = registry
        self._sessions = sessions or HttpSessions()
        self._allow_private = allow_private
        self._fetch = fetch
        self._servers = set(servers)
        self._isolating = isolating or Isolating(())
        self.outcome = Outcome()

    def register(self, placed: Placed) -> None:
        """What is wrong is told in `outcome`, and spoils nothing else."""
        match placed.entry:
            case HttpEntry() | PythonEntry() as entry:
                self._one(placed, entry)
            case OpenAPIEntry() as entry:
                self._openapi(placed, entry)
            case McpEntry() as entry:
                self._mcp(placed, entry)

    def _one(self, placed: Placed, entry: HttpEntry | PythonEntry) -> None:
        if placed.is_wrong:
            self.outcome.problems += every_problem(placed, partial(self._try_one, type(entry)))
            return
        try:
            spec, executor = self._made(entry)
            upstream, standing = Upstream(spec.name, UpstreamBounds.of(entry)), standing_of(entry)
            self._registry.register(spec, executor, upstream=upstream, standing=standing)
        except RegistrationError:
            self.outcome.problems += every_problem(placed, partial(self._try_one, type(entry)))
        else:
            self.outcome.tools.append(Origin(spec.name, placed))

    def _try_one(self, kind: type[HttpEntry | PythonEntry], data: dict[str, Any]) -> None:
        """Raises what registering would raise."""
        spec, executor = self._made(kind.model_validate(data))
        self._registry.grown(self._registry.compiled(spec, executor))

    def _made(self, entry: HttpEntry | PythonEntry) -> tuple[ToolSpec, Executor]:
        if isinstance(entry, PythonEntry):
            return self._isolating.apply(*_python_tool(entry))
        return build(entry, self._sessions, allow_private=self._allow_private)

    def _openapi(self, placed: Placed, entry: OpenAPIEntry) -> None:
        if is_url(entry.spec) and not self._fetch:
            self.outcome.unread.append(placed)
            return
        try:
            document = read_source(entry.spec, allow_private=self._allow_private)
        except RegistrationError as error:
            why = error.why if error.where == entry.spec else str(error)
            self._tell(placed, f"{_shown(entry.spec)}: {why}")
            return

        def attempt(data: dict[str, Any]) -> None:
            import_document(document, source_of(OpenAPIEntry.model_validate(data)))

        problems = every_problem(placed, attempt)
        self.outcome.problems += problems
        if problems or placed.is_wrong:
            return
        added, refused = register_openapi(
            self._registry,
            entry,
            document,
            self._sessions,
            allow_private=self._allow_private,
        )
        self.outcome.refused += [(placed, each) for each in refused]
        self.outcome.tools += [
            Origin(each.spec.name, placed, each.operation.node.pointer) for each in added
        ]
        if not added:
            remedy = f"gateway tools preview {_shown(entry.spec)} tells why"
            self._tell(placed, "no operation of the document became a tool", remedy)

    def _mcp(self, placed: Placed, entry: McpEntry) -> None:
        if entry.name in self._servers:
            remedy = "give it one of its own"
            self._tell(placed, "another MCP server has this name", remedy)
            return
        self._servers.add(entry.name)
        if placed.is_wrong:
            return
        self.outcome.servers.append((placed, entry))

    async def ask(self, placed: Placed, entry: McpEntry) -> None:
        """Registers what a server lists now. Its tools can be looked at; they can't be called."""
        from tools.mcp.definition import spec_of

        source = mcp_source(entry)
        try:
            listed = await definitions_of(source)
        except ToolUnavailable as error:
            self._tell(placed, str(error), "start it by hand to see why, or leave out --connect")
            return
        names = [each.name for each in listed]
        for where in ("effects", "overrides"):
            try:
                require_known(getattr(source, where), names, where, "tool of the server")
            except RegistrationError as error:
                self.outcome.problems.append(placed.problem(error))
        for each in listed:
            try:
                spec = spec_of(each, source)
                override = source.overrides.get(each.name, Override())
                self._registry.register(spec, _NotCalled(), standing=override.standing)
            except RegistrationError as error:
                if error.where.startswith("overrides."):
                    self.outcome.problems.append(placed.problem(error))
                else:
                    refused = Refused(each.name, error.where, error.why)
                    self.outcome.refused.append((placed, refused))
            else:
                self.outcome.tools.append(Origin(spec.name, placed))

    def _tell(self, placed: Placed, why: str, remedy: str = "") -> None:
        mark = placed.document.value(placed.home)
        self.outcome.problems.append(Problem.at(placed.file, mark, placed.home, (why, remedy)))


def register_manifests(
    registry: Registry,
    settings: Settings,
    sessions: HttpSessions,
    environ: Mapping[str, str],
    isolating: Isolating,
) -> Outcome:
    """The tools of every file that `tools.manifests` names. Raises `CompositionError` with all that is wrong."""
    manifests = Manifests(
        registry,
        sessions,
        allow_private=settings.tools.http.allow_private,
        servers=[one.name for one in settings.tools.mcp],
        isolating=isolating,
    )
    problems: list[Problem] = []
    for pattern in settings.tools.manifests:
        files = sorted(Path(found) for found in glob(pattern, recursive=True))  # noqa: PTH207 - absolute
        if not files:
            raise CompositionError(f"tools.manifests: no file matches {pattern}")
        for file in files:
            read = read_manifest(file, environ)
            problems += read.problems
            for placed in read.entries:
                manifests.register(placed)
    if problems := sorted({*problems, *manifests.outcome.problems}):
        raise CompositionError(
            [f"tools.manifests: {each}" for each in problems],
            "gateway tools lint FILE tells the same; the format: docs/manifests.md",
        )
    return manifests.outcome


def _python_tool(entry: PythonEntry) -> tuple[ToolSpec, Executor]:
    """Raises `RegistrationError`."""
    function = _function(entry.function)
    marked = function if is_tool(function) else tool(function)
    spec, executor = as_tool(marked, timeout_s=entry.timeout_s)
    if entry.name is not None:
        spec = replace(spec, name=entry.name)
    if entry.effect is not None:
        spec = replace(spec, annotations=DECLARED[entry.effect])
    return overridden(spec, override_of(entry)), executor


def _function(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    try:
        found: Any = load_module(module)
    except ModuleNotFoundError as error:
        is_it = f"{module}.".startswith(f"{error.name}.")
        remedy = where_modules_are() if is_it else "install what it needs"
        raise RegistrationError("$.function", f"{error}: {remedy}") from error
    except Exception as error:
        # a module is anyone's code, and what it raises is told to its author
        why = f"importing {module} failed: {type(error).__name__}: {error}"
        raise RegistrationError("$.function", why) from error
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise RegistrationError("$.function", f"{module} has no function {name}")
    return found


def _shown(spec: str) -> str:
    """A document's place as short as it can be said here."""
    path = Path(spec)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else spec
