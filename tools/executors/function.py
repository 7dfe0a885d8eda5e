"""Python functions as tools: `@tool`, and the executor that runs them.

    @tool(read_only=True)
    def get_weather(city: Annotated[str, "Such as Paris"], days: int = 1) -> str:
        "Tell the weather in a city."

What it is: the schema comes from the type hints, the texts from the docstring (the part before `Args:`
and Google's `Args:` section). A parameter annotated `CallContext` is given the call's context and is not
in the schema. Async functions run on the loop, plain ones in a thread, so that they don't block it.
What it is not: a sandbox. A plain function that outlives its timeout is abandoned, not stopped; with
`isolated` it runs in a process of its own, which is (`tools.executors.isolated`).

A function raises `ToolFailed` to tell the model what went wrong and what to do instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar, cast, overload

from tools.executor import CallContext, Executor
from tools.executors.isolation import Isolation
from tools.executors.signature import Signature, read_signature
from tools.executors.threads import SHARED, ToolThreads
from tools.spec import Annotations, ReadBack, ToolSpec, ValidCall

_MARK = "__tool_spec__"
Fn = TypeVar("Fn", bound=Callable[..., Any])


class FunctionExecutor:
    """Runs a Python function; the in-process twin of every other executor."""

    def __init__(
        self,
        function: Callable[..., Any],
        signature: Signature | None = None,
        threads: ToolThreads = SHARED,
    ) -> None:
        self.function = function
        self._signature = signature or read_signature(function)
        self._threads = threads
        self._is_async = inspect.iscoroutinefunction(function)

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """Call the function and give its value as JSON data."""
        arguments = self._signature.bind(call.arguments, context)
        if self._is_async:
            value = await cast("Awaitable[Any]", self.function(**arguments))
        else:
            value = await self._threads.run(lambda: self.function(**arguments))
        return self._signature.dump(value)


@overload
def tool(function: Fn, /) -> Fn: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    read_only: bool = False,
    idempotent: bool = False,
    destructive: bool = False,
    open_world: bool = False,
    timeout_s: float = 30.0,
    cache_s: float = 0.0,
    read_back: ReadBack | None = None,
    resource: str | None = None,
    result_tokens: int | None = None,
    isolated: Isolation | None = None,
) -> Callable[[Fn], Fn]: ...
def tool(
    function: Fn | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    read_only: bool = False,
    idempotent: bool = False,
    destructive: bool = False,
    open_world: bool = False,
    timeout_s: float = 30.0,
    cache_s: float = 0.0,
    read_back: ReadBack | None = None,
    resource: str | None = None,
    result_tokens: int | None = None,
    isolated: Isolation | None = None,
) -> Fn | Callable[[Fn], Fn]:
    """Mark a function as a tool; it stays callable as before.

    `name` and `description` replace what the function says. The four hints are MCP's; `timeout_s`
    bounds one attempt, in seconds; for `cache_s` seconds a read is answered from memory. `read_back`,
    `resource` and `result_tokens` are explained at `ToolSpec`, `isolated` at `Isolation`. Raises
    `RegistrationError` at once when a parameter has no type hint or one that JSON Schema can't say.
    """

    def mark(target: Fn) -> Fn:
        signature = read_signature(target)
        spec = ToolSpec(
            name=name or target.__name__,
            description=description or signature.description,
            parameters=signature.parameters,
            annotations=Annotations(read_only, idempotent, destructive, open_world),
            timeout_s=timeout_s,
            cache_s=cache_s,
            read_back=read_back,
            resource=resource,
            result_tokens=result_tokens,
            isolation=isolated,
        )
        setattr(target, _MARK, (spec, signature))
        return target

    return mark if function is None else mark(function)


def is_tool(function: object) -> bool:
    """Whether it is marked with `@tool`."""
    return hasattr(function, _MARK)


def as_tool(
    function: Callable[..., Any],
    threads: ToolThreads = SHARED,
    *,
    timeout_s: float | None = None,
) -> tuple[ToolSpec, Executor]:
    """The spec and executor of a function marked with `@tool`. Raises `TypeError` for another.

    `timeout_s` takes the place of the mark's. Raises `RegistrationError` for one that can't be isolated as
    it asks for.
    """
    marked = getattr(function, _MARK, None)
    if marked is None:
        raise TypeError(f"{function!r} is not marked with @tool")
    spec, signature = cast("tuple[ToolSpec, Signature]", marked)
    if timeout_s is not None:
        spec = replace(spec, timeout_s=timeout_s)
    if spec.isolation is not None:
        from tools.executors.isolated import isolated

        return spec, isolated(function, spec.isolation, spec.timeout_s)
    return spec, FunctionExecutor(function, signature, threads)


def collect(module: object) -> list[tuple[ToolSpec, Executor]]:
    """The marked functions of a module, in the order of their definition.

    A module may instead offer `tools() -> list[(ToolSpec, Executor)]`, which is then asked.
    """
    if callable(offer := getattr(module, "tools", None)) and not is_tool(offer):
        return list(cast("Callable[[], list[tuple[ToolSpec, Executor]]]", offer)())
    found = [value for value in vars(module).values() if callable(value) and is_tool(value)]
    return [as_tool(function) for function in found]
