"""Results that are too long to be shown: kept for their run, shown as a preview, read on in pieces.

What it is: `KeptResults` belongs to one run and is gone with it, so a handle means nothing to any other; the
tool `read_result` that reads in it is bound to it.
What it is not: when a result is kept, and whether a policy lets the model read on (the loop).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tools.answer import as_text
from tools.errors import ToolFailed
from tools.executor import CallContext
from tools.json_path import kind, value_at
from tools.spec import Annotations, ToolResult, ToolSpec, ValidCall
from tools.toolset import Entry, compile_entry
from tools.wrappers.truncate import MAX_RESULT_CHARACTERS, cut

LONGEST_SHOWN = MAX_RESULT_CHARACTERS + 200
"""With the notice at the end of one that was cut."""
MOST_KEPT = 1_000_000
PREVIEW = 4_000
PIECE = 8_000
_MOST_CHARACTERS = 10_000_000
"""Of one run; the oldest results are let go."""
_MATCHES = 10
_AROUND = 100

READ_RESULT = ToolSpec(
    name="read_result",
    description=(
        "Read on in a long result of which only the beginning was shown: from a character on,"
        " at a JSON path, or around the places where a text stands."
    ),
    parameters={
        "type": "object",
        "required": ["handle"],
        "additionalProperties": False,
        "properties": {
            "handle": {"type": "string", "description": "As the preview names it, such as r1."},
            "path": {"type": "string", "description": "JSON path, such as $.items[0:10]."},
            "search": {"type": "string", "minLength": 1, "description": "Text to find."},
            "start": {
                "type": "integer",
                "minimum": 0,
                "description": "First character, 0 if absent.",
            },
            "length": {"type": "integer", "minimum": 1, "maximum": PIECE},
        },
    },
    annotations=Annotations(read_only=True, idempotent=True),
)
_ENTRY = compile_entry(READ_RESULT, None)


class KeptResults:
    """The long results of one run, by handles `r1`, `r2`, …

    `texts` are those of the same run before it waited for a person.
    """

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        self._texts = dict(texts or {})
        self._made = max((int(handle[1:]) for handle in self._texts), default=0)

    @property
    def texts(self) -> dict[str, str]:
        """What is kept, by handle."""
        return dict(self._texts)

    def preview(self, result: ToolResult, longest: int = PREVIEW) -> ToolResult:
        """Keep it; gives what the model is shown of it. The same text has the same handle."""
        text = result.content
        handle = next((each for each, kept in self._texts.items() if kept == text), None)
        handle = handle or self._keep(text)
        notice = (
            f"[result {handle}: {len(text)} characters, {_shape(text)}. Its beginning follows;"
            f' read on with read_result(handle="{handle}", path, search or start)]\n'
        )
        shown = f"{notice}{text[:longest]}\n[cut at character {longest} of {len(text)}]"
        return replace(result, content=shown, truncated_from=len(text))

    def _keep(self, text: str) -> str:
        self._made += 1
        handle = f"r{self._made}"
        self._texts[handle] = text
        while sum(map(len, self._texts.values())) > _MOST_CHARACTERS and len(self._texts) > 1:
            del self._texts[next(iter(self._texts))]
        return handle

    def text(self, handle: str) -> str:
        """Raises `ToolFailed` for what was not kept in this run, or is kept no more."""
        if (text := self._texts.get(handle)) is None:
            there = ", ".join(self._texts) or "none"
            raise ToolFailed(f"this run has no result {handle[:40]!r}; there are: {there}")
        return text

    def reader(self) -> Entry:
        """`read_result` over these."""
        return replace(_ENTRY, executor=_Reader(self))


class _Reader:
    def __init__(self, results: KeptResults) -> None:
        self._results = results

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """A piece of at most `PIECE` characters. Raises `ToolFailed` that says what is there."""
        del context
        wanted = call.arguments
        handle: str = wanted["handle"]
        text = self._results.text(handle)
        if path := wanted.get("path"):
            handle, text = f"{handle} at {path[:200]}", _at(text, path)
        start: int = wanted.get("start", 0)
        if search := wanted.get("search"):
            return _found(text, search, start, handle)
        piece = text[start : start + wanted.get("length", PIECE)]
        if not piece and text:
            raise ToolFailed(f"{handle} has {len(text)} characters: nothing stands at {start}")
        end = start + len(piece)
        return f"[{handle}, characters {start} to {end} of {len(text)}]\n{piece}"


def cut_short(result: ToolResult, longest: int = MAX_RESULT_CHARACTERS) -> ToolResult:
    """For a run that can't read on."""
    total = result.truncated_from or len(result.content)
    return replace(result, content=cut(result.content, total, longest), truncated_from=total)


def _at(text: str, path: str) -> str:
    try:
        return as_text(value_at(json.loads(text), path))
    except LookupError as error:
        raise ToolFailed(str(error.args[0])) from error
    except (ValueError, RecursionError) as error:
        raise ToolFailed("this result is no JSON: read it by search or start") from error


def _found(text: str, search: str, start: int, handle: str) -> str:
    # A literal in any case; no pattern of the model's is run.
    places = [each.span() for each in re.finditer(re.escape(search), text[start:], re.IGNORECASE)]
    if not places:
        raise ToolFailed(f"{search[:100]!r} does not stand in {handle} from character {start} on")
    lines = [f"[{handle}: {len(places)} places, the first {min(len(places), _MATCHES)}]"]
    for begin, end in places[:_MATCHES]:
        first, last = max(0, start + begin - _AROUND), start + end + _AROUND
        lines.append(f"at {start + begin}: …{text[first:last]}…")
    return "\n".join(lines)[:PIECE]


def _shape(text: str) -> str:
    if text[:1] in ("{", "["):
        try:
            return f"JSON: {kind(json.loads(text))}"
        except (ValueError, RecursionError):
            pass
    return f"text of {text.count(chr(10)) + 1} lines"
