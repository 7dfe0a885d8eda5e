"""Tools, and a loop, that the stages of several test packages have in common."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from gateway.agent.events import RunEvent
from gateway.agent.run import Resumed, RunRequest
from tools.spec import Annotations, ToolSpec


def spec(name: str, properties: dict[str, Any], **annotations: bool) -> ToolSpec:
    """A tool all of whose parameters are required."""
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return ToolSpec(name, f"The tool {name}.", parameters, annotations=Annotations(**annotations))


ADD = spec("add", {"a": {"type": "integer"}, "b": {"type": "integer"}}, read_only=True)


class RaisingLoop:
    """A loop that says nothing but this error."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def run(
        self, request: RunRequest, resumed: Resumed | None = None
    ) -> AsyncGenerator[RunEvent]:
        raise self._error
        yield
