"""What a tool brings that is no text: kept by whoever asked, and named to the model.

What it is: the value, and the line that stands for it in a result:

    [image f_5d41402abc4b2a76, image/png, 48213 bytes]

What it is not: the keeping (`gateway.storage.files`). Where nobody keeps it (`CallContext.keep` is None), the line
has no handle and the bytes are let go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class FileContent:
    """`kind` is `image`, `audio` or `file`; `media_type` is what the tool claims, `name` its own name for it."""

    kind: str
    media_type: str
    data: bytes
    name: str = ""


KeepFile = Callable[[FileContent], Awaitable[str | None]]
"""Gives the handle; None: it can't be kept, as what is too large."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """A result of texts and files, in their order."""

    parts: tuple[str | FileContent, ...]

    async def told(self, keep: KeepFile | None) -> str:
        """As the model reads it."""
        lines = [
            part if isinstance(part, str) else await reference(part, keep) for part in self.parts
        ]
        return "\n".join(lines)

    def without_files(self) -> str:
        """As it reads where nobody keeps them."""
        lines = (part if isinstance(part, str) else _line(part, None) for part in self.parts)
        return "\n".join(lines)


async def reference(file: FileContent, keep: KeepFile | None) -> str:
    """Keep a file; gives the line that stands for it."""
    return _line(file, await keep(file) if keep is not None else None)


def _line(file: FileContent, handle: str | None) -> str:
    what = f"{file.kind} {handle}" if handle else file.kind
    media_type = " ".join(file.media_type.split())[:_LONGEST_NAME]
    name = f": {' '.join(file.name.split())[:_LONGEST_NAME]}" if file.name else ""
    return f"[{what}, {media_type}, {len(file.data)} bytes{name}]"


def kind_of(media_type: str) -> str:
    """The word for a media type."""
    main = media_type.partition("/")[0].strip().lower()
    return main if main in {"image", "audio"} else "file"
