"""What a call of an MCP tool brought, as a value of ours.

What it is: structured content as it is, else the texts in their order; what is no text is named with its
kind and size, since models here read text. It sees results by their fields alone, without the SDK.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from tools.errors import ToolFailed


class Result(Protocol):
    """As `CallToolResult` of the SDK."""

    @property
    def content(self) -> Sequence[Any]: ...
    @property
    def structured_content(self) -> Any: ...
    @property
    def is_error(self) -> bool: ...


def value_of(result: Result) -> Any:
    """Data or text. Raises `ToolFailed` with the server's words when the tool says that it failed."""
    text = "\n".join(_told(block) for block in result.content)
    if result.is_error:
        raise ToolFailed(text or "the tool failed without saying why")
    return text if result.structured_content is None else result.structured_content


def _told(block: Any) -> str:
    match block.type:
        case "text":
            return str(block.text)
        case "image" | "audio":
            return f"[{block.type}, {block.mime_type}, {len(block.data) * 3 // 4} bytes]"
        case "resource_link":
            return f"[{block.name}: {block.uri}]"
        case "resource":
            inner = block.resource
            text = getattr(inner, "text", None)
            return str(text) if text is not None else f"[{inner.mime_type or 'bytes'}: {inner.uri}]"
        case other:
            return f"[{other}]"
