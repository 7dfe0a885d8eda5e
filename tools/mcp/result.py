"""What a call of an MCP tool brought, as a value of ours.

What it is: structured content as it is, else the texts in their order; what is no text stands between them as a
file (`tools.files`), since models here read text. It sees results by their fields alone, without the SDK.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Protocol

from tools.answer import as_text
from tools.errors import ToolFailed
from tools.files import FileContent, Mixed, kind_of


class Result(Protocol):
    """As `CallToolResult` of the SDK."""

    @property
    def content(self) -> Sequence[Any]: ...
    @property
    def structured_content(self) -> Any: ...
    @property
    def is_error(self) -> bool: ...


def value_of(result: Result) -> Any:
    """Data, text or `Mixed`. Raises `ToolFailed` with the server's words when the tool says that it failed."""
    parts = tuple(_part(block) for block in result.content)
    text = Mixed(parts).without_files()
    if result.is_error:
        raise ToolFailed(text or "the tool failed without saying why")
    files = tuple(part for part in parts if isinstance(part, FileContent))
    if result.structured_content is not None:
        data = result.structured_content
        return Mixed((as_text(data), *files)) if files else data
    return Mixed(parts) if files else text


def _part(block: Any) -> str | FileContent:
    match block.type:
        case "text":
            return str(block.text)
        case "image" | "audio":
            return FileContent(block.type, str(block.mime_type), _decoded(block.data))
        case "resource_link":
            return f"[{block.name}: {block.uri}]"
        case "resource":
            inner = block.resource
            if (text := getattr(inner, "text", None)) is not None:
                return str(text)
            media_type = str(inner.mime_type or "application/octet-stream")
            data = _decoded(getattr(inner, "blob", ""))
            return FileContent(kind_of(media_type), media_type, data, str(inner.uri))
        case other:
            return f"[{other}]"


def _decoded(data: Any) -> bytes:
    """The bytes that base64 spells; none where it spells none."""
    try:
        return base64.b64decode(str(data))
    except (binascii.Error, ValueError):
        return b""
