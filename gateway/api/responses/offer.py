"""Which tools a Responses request lets the model call, and whether a forced choice can be met."""

from __future__ import annotations

from dataclasses import replace

from gateway.agent.run import RunRequest
from gateway.api.errors import ApiError
from gateway.api.responses.choice import Choice
from routing.backend import NamedTool
from tools.registry import Registry
from tools.versions import SEPARATOR


def offer(run: RunRequest, choice: Choice, registry: Registry) -> RunRequest:
    """The run, its tools narrowed to the allowed ones. Raises `ApiError` 400 for what is not there."""
    if choice.allowed is None and choice.wanted in ("auto", "none"):
        return run
    globs = run.offered_globs
    registered = [spec.name for spec in registry.offered(globs, run.run_id).specs]
    offered = {*registered, *(spec.name for spec in run.client_tools)}
    if isinstance(choice.wanted, NamedTool) and choice.wanted.name not in offered:
        raise _unknown(choice.wanted.name, "tool_choice.name")
    if choice.wanted == "required" and not offered:
        problem = "tool_choice is 'required', but no tool is offered in this request"
        raise ApiError(400, problem, param="tool_choice", code="no_tools")
    if choice.allowed is None:
        return run
    for i, name in enumerate(choice.allowed):
        if name not in offered:
            raise _unknown(name, f"tool_choice.tools[{i}].name")
    pinned = {glob.partition(SEPARATOR)[0]: glob for glob in globs if SEPARATOR in glob}
    return replace(
        run,
        client_tools=tuple(spec for spec in run.client_tools if spec.name in choice.allowed),
        tool_globs=tuple(pinned.get(name, name) for name in registered if name in choice.allowed),
    )


def _unknown(name: str, param: str) -> ApiError:
    problem = f"no tool {name[:64]!r} is offered in this request"
    return ApiError(400, problem, param=param, code="unknown_tool")
