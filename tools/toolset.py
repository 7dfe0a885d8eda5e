"""The tools that one request may call: an immutable view, read without locks.

What it is: specs in the order of their registration, compiled schemas, and the two verbs of a call's
way, `check` (what the model wrote → `ValidCall | InvalidCall`) and `execute` (→ `ToolResult`, failures
too). A request's own function tools can be laid on top; they are checked here and run by the client.
What it is not: the place where tools are added for good (`tools.registry`), policy, retries
(`tools.wrappers`).
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mistral_common.protocol.instruct.tool_calls import Tool, ToolCall

from tools.answer import Answer, as_text, error_text
from tools.bounds import UNBOUNDED, UpstreamBounds
from tools.effects import check_declared_effect
from tools.errors import (
    ExecutionError,
    NameTaken,
    RegistrationError,
    ToolTimeout,
    ToolUnavailable,
    UnknownTool,
)
from tools.executor import CallContext, Executor
from tools.near import near_names, normalised
from tools.repair import ParseProblem, parse_arguments, repair_arguments
from tools.schema import CompiledSchema, compile_parameters, compile_schema
from tools.schema_cache import SchemaCache
from tools.spec import (
    CheckedCall,
    Effect,
    Failure,
    InvalidCall,
    Problem,
    ToolResult,
    ToolSpec,
    ValidCall,
)
from tools.wording import show

_log = logging.getLogger(__name__)
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_UNKNOWN = "; the outcome is unknown: it may have happened, so don't repeat it without looking"
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A tool that was accepted. `executor` is None when the client runs it, `bounds` are its upstream's."""

    spec: ToolSpec
    schema: CompiledSchema
    tool: Tool
    executor: Executor | None = None
    returns: CompiledSchema | None = None
    bounds: UpstreamBounds = UNBOUNDED


def compile_entry(spec: ToolSpec, executor: Executor | None, where: str = "$") -> Entry:
    """Accept a definition. Raises `RegistrationError` that says where (below `where`) and why."""
    check_name(spec.name, where)
    if spec.cache_s > 0 and spec.effect is not Effect.READ:
        raise RegistrationError(
            f"{where}.cache_s", "only a read-only tool can be answered from memory"
        )
    check_declared_effect(spec, where)
    schema = compile_parameters(spec.parameters, f"{where}.parameters")
    returns = None
    if spec.returns is not None:
        returns = compile_schema(spec.returns, f"{where}.returns")
    return Entry(spec, schema, spec.as_tool(), executor, returns)


def check_name(name: str, where: str = "$") -> None:
    """Raises `RegistrationError` unless models and engines can spell the name."""
    if _NAME.fullmatch(name):
        return
    why = (
        f"{len(name)} characters, 64 are allowed"
        if len(name) > 64
        else "letters, digits, '_' and '-' only"
    )
    raise RegistrationError(f"{where}.name", f"{show(name)}: {why}, at least one")


class Toolset:
    """Tools by name, in order. Immutable; every method that changes something gives a new one."""

    __slots__ = ("_entries", "_normal", "_specs", "_tools")

    def __init__(self, entries: Mapping[str, Entry] | None = None) -> None:
        self._entries: Mapping[str, Entry] = entries or {}
        self._specs: tuple[ToolSpec, ...] | None = None
        self._tools: tuple[Tool, ...] | None = None
        self._normal: dict[str, str] | None = None

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """In the order of registration, the client's tools last."""
        if self._specs is None:
            self._specs = tuple(entry.spec for entry in self._entries.values())
        return self._specs

    @property
    def names(self) -> tuple[str, ...]:
        """In the same order."""
        return tuple(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def get(self, name: str) -> ToolSpec:
        """Raises `UnknownTool`."""
        return self._entry(name).spec

    def schema(self, name: str) -> CompiledSchema:
        """The compiled parameters of a tool. Raises `UnknownTool`."""
        return self._entry(name).schema

    def returns(self, name: str) -> CompiledSchema | None:
        """The compiled schema of what a tool returns, if it declares one. Raises `UnknownTool`."""
        return self._entry(name).returns

    def is_client(self, name: str) -> bool:
        """Whether the client runs this tool; False for an unknown one."""
        entry = self._entries.get(name)
        return entry is not None and entry.executor is None

    def tools(self) -> tuple[Tool, ...]:
        """The definitions in the form that models are shown."""
        if self._tools is None:
            self._tools = tuple(entry.tool for entry in self._entries.values())
        return self._tools

    def select(self, globs: Sequence[str]) -> Toolset:
        """Those whose name matches one of the globs (`*`, `?`, `[…]`; case matters), order kept."""
        if not globs:
            return _NONE
        return self._where(lambda entry: any(fnmatchcase(entry.spec.name, glob) for glob in globs))

    def without(self, predicate: Callable[[ToolSpec], bool]) -> Toolset:
        """Those for which `predicate` is false, order kept."""
        return self._where(lambda entry: not predicate(entry.spec))

    def with_client(self, specs: Iterable[ToolSpec]) -> Toolset:
        """With the function tools of one request on top.

        Raises `RegistrationError` whose `where` names the tool by its index: `tools[2].parameters…`;
        `NameTaken` when a name is in use. What was seen lately costs a dictionary look-up: all tools together
        where they stand alone, else each of them.
        """
        specs = tuple(specs)
        if self._entries:
            return self._with_client(specs)
        return _client_toolsets.get_or_make(specs, lambda: self._with_client(specs))

    def _with_client(self, specs: Sequence[ToolSpec]) -> Toolset:
        entries = dict(self._entries)
        if self._normal is None:
            self._normal = names_taken(entries)
        normal = dict(self._normal)
        for index, spec in enumerate(specs):
            where = f"tools[{index}]"
            entry = _client_entries.get_or_make(
                (spec,), lambda spec=spec, where=where: compile_entry(spec, None, where)
            )
            if (taken := normal.setdefault(normalised(spec.name), spec.name)) != spec.name or (
                spec.name in entries
            ):
                owner = "the request" if self._entries.get(taken) is None else "the gateway"
                raise NameTaken(
                    f"{where}.name",
                    f"{show(spec.name)}: {owner} has a tool {show(taken)}; rename one",
                )
            entries[spec.name] = entry
        return Toolset(entries)

    def check(self, call: ToolCall) -> CheckedCall:
        """Judge a call that a model made. Never raises; time and memory are bounded."""
        name, raw = call.function.name, call.function.arguments
        entry = self._entries.get(name)
        if entry is None:
            return self._unknown(call.id, name, raw)
        repairs: list[str] = []
        arguments = parse_arguments(raw, repairs)
        if isinstance(arguments, ParseProblem):
            return InvalidCall(call.id, name, raw, arguments.problem, arguments.message)
        if entry.schema.is_right(arguments):
            return ValidCall(call.id, entry.spec, arguments, tuple(repairs))
        arguments = repair_arguments(arguments, entry.schema, repairs)
        if (problem := entry.schema.check_read(arguments)) is not None:
            return InvalidCall(call.id, name, raw, Problem.SCHEMA, problem.message, problem.path)
        return ValidCall(call.id, entry.spec, arguments, tuple(repairs))

    async def execute(self, call: ValidCall, context: CallContext) -> ToolResult:
        """Run a call and give what the model reads of it, failures too.

        Raises `UnknownTool` for a tool that is not run here; lets cancellation through.
        """
        executor = self._entry(call.name).executor
        if executor is None:
            raise UnknownTool(f"{call.name} is the client's: it is not run here")
        started = time.monotonic()
        failure: Failure | None = None
        answer = Answer(None)
        try:
            answer = Answer.of(await executor.execute(call, context))
            content = as_text(answer.value)
        except ExecutionError as error:
            failure = _failure(error, call.tool.effect)
            answer = Answer(None, attempts=error.attempts)
            content = error_text(f"{error}{_UNKNOWN if failure is Failure.UNKNOWN_OUTCOME else ''}")
        except Exception:  # noqa: BLE001  # a tool's own bug: its traceback is the author's, not the model's
            _log.exception("tool %s failed unexpectedly (run %s)", call.name, context.run_id)
            failure = Failure.TOOL
            content = error_text(f"{call.name} failed unexpectedly; the error was logged")
        return ToolResult(
            call_id=call.id,
            name=call.name,
            content=content,
            failure=failure,
            elapsed_s=time.monotonic() - started,
            attempts=answer.attempts,
            truncated_from=answer.truncated_from,
            dry=answer.dry,
        )

    def _unknown(self, call_id: str, name: str, raw: str) -> InvalidCall:
        near = near_names(name, self._entries)
        if near:
            hint = "did you mean " + " or ".join(show(each) for each in near) + "?"
        elif self._entries:
            named = ", ".join(list(self._entries)[:_NAMED])
            more = len(self._entries) - _NAMED
            hint = f"the tools are: {named}" + (f" and {more} more" if more > 0 else "")
        else:
            hint = "there are no tools: answer in words"
        message = f"there is no tool {show(name)}; {hint}"
        return InvalidCall(call_id, name, raw, Problem.UNKNOWN_TOOL, message, near=near)

    def _where(self, keep: Callable[[Entry], bool]) -> Toolset:
        return Toolset({name: entry for name, entry in self._entries.items() if keep(entry)})

    def _entry(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise unknown_tool(name) from None

    def only(self, names: Container[str]) -> Toolset:
        """Those that are named, order kept."""
        return Toolset({name: self._entries[name] for name in self._entries if name in names})

    def joined(self, other: Toolset) -> Toolset:
        """With the tools of another toolset of the same registry behind one's own."""
        return Toolset({**self._entries, **other._entries})


_NONE = Toolset()
_client_entries = SchemaCache[Entry](max_bytes=4 * 1024 * 1024)
_client_toolsets = SchemaCache[Toolset](max_bytes=4 * 1024 * 1024)


def names_taken(names: Iterable[str]) -> dict[str, str]:
    """Names by their normal form, under which models would confuse them."""
    return {normalised(name): name for name in names}


def require_free(name: str, taken: Mapping[str, str], *, replace: bool = False) -> None:
    """Raises `NameTaken` unless no name in `taken` is like it, or it is the same and may be replaced."""
    owner = taken.get(normalised(name))
    if owner is not None and not (replace and owner == name):
        raise NameTaken(
            "$.name", f"{show(name)}: there is a tool {show(owner)}; choose another name"
        )


def unknown_tool(name: str) -> UnknownTool:
    """What is raised for a name that nothing is registered under."""
    return UnknownTool(f"no tool {show(name)} is registered")


def _failure(error: ExecutionError, effect: Effect) -> Failure:
    """A write that was sent and not answered may have happened."""
    if isinstance(error, ToolTimeout | ToolUnavailable):
        if effect is not Effect.READ and error.sent:
            return Failure.UNKNOWN_OUTCOME
        return Failure.TIMEOUT if isinstance(error, ToolTimeout) else Failure.UNAVAILABLE
    return Failure.TOOL
