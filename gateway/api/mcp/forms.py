"""Our values in MCP's forms: tools, outcomes of calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolResult,
    ContentBlock,
    TextContent,
    Tool,
    ToolAnnotations,
)

from gateway.agent.verdict import advice
from gateway.api.calling import CallOutcome, Ran
from gateway.api.wire import dry_run
from policies.decision import Deny, RequireApproval
from tools.answer import error_text
from tools.dry_run import REAL, DryRun
from tools.schema import CompiledSchema
from tools.spec import InvalidCall, Problem, ToolResult, ToolSpec
from tools.toolset import Toolset


def tool(spec: ToolSpec) -> Tool:
    """A definition, with all four hints as the tool's author declared them.

    A schema of results is told when it is an object's: older versions of MCP know no other.
    """
    declared = spec.annotations
    return Tool(
        name=spec.name,
        description=spec.description,
        input_schema={"type": "object", **spec.parameters},
        output_schema=_output_schema(spec),
        annotations=ToolAnnotations(
            read_only_hint=declared.read_only,
            destructive_hint=declared.destructive,
            idempotent_hint=declared.idempotent,
            open_world_hint=declared.open_world,
        ),
    )


RUN_ID = "gateway/run_id"
"""In `_meta` of a result: the run that the call is recorded as."""
DRY_RUN = "gateway/dry_run"
"""In `_meta` of a call: whether it is only told, `true` or `"all"` as in REST. In that of a result: it was."""


def wished_dry(meta: Mapping[str, Any] | None) -> DryRun:
    """Which calls the client wishes not to be made.

    Raises `MCPError` for anything else than a wish: who asks for a dry run in other words gets no real one.
    """
    if meta is None or DRY_RUN not in meta:
        return REAL
    match meta[DRY_RUN]:
        case (True | False | "all") as wish:
            return dry_run(wish)
        case _:
            raise MCPError(INVALID_PARAMS, f'_meta["{DRY_RUN}"] has to be true, false or "all"')


def result(outcome: CallOutcome, toolset: Toolset, run_id: str) -> CallToolResult:
    """What came of a call to a tool of `toolset`.

    Raises `MCPError` for a tool that there is not; whatever else went wrong is for the model to read.
    """
    told = _told(outcome, toolset)
    is_dry = isinstance(outcome, Ran) and outcome.result.dry
    told.meta = {RUN_ID: run_id, **({DRY_RUN: True} if is_dry else {})}
    return told


def _told(outcome: CallOutcome, toolset: Toolset) -> CallToolResult:
    match outcome:
        case Ran():
            return _ran(outcome, toolset)
        case InvalidCall(problem=Problem.UNKNOWN_TOOL):
            raise MCPError(INVALID_PARAMS, outcome.message)
        case InvalidCall():
            return _error(advice(outcome))
        case Deny(reason):
            return _error(f"Not allowed: {reason}")
        case RequireApproval(reason):
            return _error(f"Not run: a person has to approve this first: {reason}")


def _output_schema(spec: ToolSpec) -> dict[str, Any] | None:
    if spec.returns is None or spec.returns.get("type") != "object":
        return None
    return dict(spec.returns)


def _ran(ran: Ran, toolset: Toolset) -> CallToolResult:
    told = ran.result
    content: list[ContentBlock] = [TextContent(text=told.content)]
    returns = toolset.returns(told.name)
    if told.dry:  # what is told in place of a result has another structure
        return CallToolResult(content=content, is_error=told.is_error or returns is not None)
    if told.is_error or returns is None or _output_schema(ran.call.tool) is None:
        return CallToolResult(content=content, is_error=told.is_error)
    value, problem = _structured(told, returns)
    if problem is None:
        return CallToolResult(content=content, structured_content=value)
    # A client refuses the whole of an answer whose structure is not as declared; text it can read.
    content.append(TextContent(text=f"This is not what the tool declares to return: {problem}"))
    return CallToolResult(content=content, is_error=True)


def _structured(told: ToolResult, returns: CompiledSchema) -> tuple[Any, str | None]:
    """The value behind the text, or why there is none. A rule may have replaced the text."""
    try:
        value = orjson.loads(told.content)
    except orjson.JSONDecodeError:
        cut = told.truncated_from
        return None, f"it was cut, from {cut} characters" if cut else "it is no JSON"
    problem = returns.check(value)
    return value, problem and f"{problem.path}: {problem.message}"


def _error(message: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=error_text(message))], is_error=True)
