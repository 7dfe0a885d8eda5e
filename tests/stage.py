"""Tools that the stages of several test packages have in common."""

from __future__ import annotations

from typing import Any

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
