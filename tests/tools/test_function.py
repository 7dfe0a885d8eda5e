"""Python functions as tools."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict  # pydantic asks for it before Python 3.12

from tools.errors import RegistrationError, ToolFailed
from tools.executor import CallContext
from tools.executors.function import FunctionExecutor, as_tool, collect, tool
from tools.schema import compile_parameters
from tools.spec import ToolSpec, ValidCall


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: int
    y: float = 0.0


class Range(TypedDict):
    low: int
    high: int


class Page(BaseModel):
    title: str
    at: Point


@tool(read_only=True, timeout_s=5.0)
def paint(  # noqa: PLR0917  # one for each column
    what: Annotated[str, "What to paint"],
    context: CallContext,
    colour: Colour = Colour.RED,
    mode: Literal["fast", "fine"] = "fast",
    at: Point | None = None,
    page: Page | None = None,
    span: Range | None = None,
    tags: list[str] | None = None,
    title: str = "untitled",
) -> dict[str, Any]:
    """Paint something
    somewhere.

    Not more than that.

    Args:
        mode: How to paint;
            fast is coarse.
        title (str): A title: any.

    Returns:
        What was painted.
    """
    return {
        "what": what,
        "colour": colour,
        "at": at,
        "run": context.run_id,
        "tags": tags,
        "title": title,
    }


async def call(function: Callable[..., Any], **arguments: Any) -> Any:
    spec, executor = as_tool(function)
    return await executor.execute(ValidCall("x", spec, arguments), CallContext(run_id="r1"))


def test_the_schema_comes_from_hints_and_docstring() -> None:
    spec, _ = as_tool(paint)
    assert spec.description == "Paint something somewhere.\n\nNot more than that."
    assert list(spec.parameters) == [
        "type",
        "properties",
        "required",
        "additionalProperties",
        "$defs",
    ]
    properties = spec.parameters["properties"]
    assert properties["what"] == {"type": "string", "description": "What to paint"}
    assert properties["mode"]["description"] == "How to paint; fast is coarse."
    assert properties["mode"]["enum"] == ["fast", "fine"]
    assert properties["title"] == {
        "type": "string",
        "default": "untitled",
        "description": "A title: any.",
    }
    assert "context" not in properties
    assert spec.parameters["required"] == ["what"]
    assert spec.parameters["$defs"]["Page"]["properties"]["title"] == {"type": "string"}
    assert (spec.annotations.read_only, spec.timeout_s) == (True, 5.0)
    compile_parameters(spec.parameters)


async def test_arguments_arrive_as_the_types_of_the_hints_and_values_leave_as_json() -> None:
    assert await call(paint, what="wall", colour="blue", at={"x": 1}) == {
        "what": "wall",
        "colour": "blue",
        "at": {"x": 1, "y": 0.0},
        "run": "r1",
        "tags": None,
        "title": "untitled",
    }


def test_a_bare_decorator_leaves_the_function_callable() -> None:
    @tool
    def double(n: int) -> int:
        """Double."""
        return 2 * n

    assert double(4) == 8
    assert as_tool(double)[0].name == "double"


def test_a_parameter_without_a_hint_is_refused_where_it_stands() -> None:
    def bad(n) -> int:  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
        return n  # pyright: ignore[reportUnknownVariableType]

    with pytest.raises(RegistrationError, match=r"bad\(n\): has no type hint"):
        tool(bad)  # pyright: ignore[reportUnknownArgumentType]


@pytest.mark.parametrize("hint", [threading.Lock, Callable[[int], int]])
def test_a_hint_that_json_can_not_say_is_refused(hint: Any) -> None:
    def bad(n: int) -> int:
        return n

    bad.__annotations__["n"] = hint
    with pytest.raises(RegistrationError):
        tool(bad)


def test_a_function_that_takes_anything_is_refused() -> None:
    def bad(*args: int) -> int:
        return len(args)

    with pytest.raises(RegistrationError, match="plain named parameters"):
        tool(bad)


async def test_a_plain_function_does_not_block_the_loop_and_keeps_context_variables() -> None:
    told: contextvars.ContextVar[str] = contextvars.ContextVar("told")
    told.set("yes")
    release = threading.Event()
    loop_thread = threading.get_ident()
    entered = asyncio.Event()
    loop = asyncio.get_running_loop()

    @tool
    def wait() -> list[Any]:
        """Wait."""
        loop.call_soon_threadsafe(entered.set)
        released = release.wait(5)
        return [released, told.get(), threading.get_ident() != loop_thread]

    async with asyncio.TaskGroup() as group:
        task = group.create_task(call(wait))
        await entered.wait()  # the loop runs while the function blocks
        release.set()
    assert task.result() == [True, "yes", True]


async def test_a_cancelled_caller_leaves_and_the_threads_result_is_dropped() -> None:
    release, finished = threading.Event(), threading.Event()
    entered = asyncio.Event()
    loop = asyncio.get_running_loop()

    @tool
    def hang() -> int:
        """Hang."""
        loop.call_soon_threadsafe(entered.set)
        release.wait(5)
        finished.set()
        return 1

    task = asyncio.ensure_future(call(hang))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    assert finished.wait(5)


async def test_what_a_function_raises_reaches_the_caller_as_it_is() -> None:
    @tool
    def refuse() -> int:
        """Refuse."""
        raise ToolFailed("not today")

    with pytest.raises(ToolFailed, match="not today"):
        await call(refuse)


async def test_an_async_function_runs_on_the_loop() -> None:
    @tool
    async def here() -> bool:
        """Here."""
        return threading.current_thread() is threading.main_thread()

    assert await call(here) is True


async def test_a_value_that_the_hints_refuse_and_the_schema_does_not_is_a_tool_failure() -> None:
    spec, executor = as_tool(paint)
    with pytest.raises(ToolFailed, match=r"at\.x"):
        await executor.execute(ValidCall("x", spec, {"what": "a", "at": {"x": "?"}}), CallContext())


def test_collect_takes_marked_functions_in_order_or_what_the_module_offers() -> None:
    module = types.ModuleType("mine")
    vars(module).update(paint=paint, other=len, number=5)
    assert [spec.name for spec, _ in collect(module)] == ["paint"]
    offered: list[tuple[ToolSpec, FunctionExecutor]] = []
    vars(module).update(tools=lambda: offered)
    assert collect(module) == []


def test_a_function_that_is_not_marked_is_no_tool() -> None:
    with pytest.raises(TypeError, match="not marked"):
        as_tool(len)
