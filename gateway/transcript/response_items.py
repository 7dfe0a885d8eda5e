"""The input of a Responses request, item by item, into the form in which items are stored.

What it is: the form of each item and nothing else: types, parts, required fields. A string becomes one
user message, a message without `type` gets it, text becomes parts, every item gets an id of ours.
What it is not: the conversation that the items make (`gateway.transcript.responses`), or the lookup of
what an `item_reference` means: it is passed on as `{"type": "item_reference", "id": …}`.

Raises `TranscriptError` with the path of the value at fault, as in `input[3].content[0].type`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from gateway.transcript.errors import TranscriptError
from gateway.transcript.images import image_chunk

Item = dict[str, Any]
NewId = Callable[[str], str]
"""Makes an item's id from the prefix of its kind, as `msg` or `fc`."""

_FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_LONGEST_ID = 64
_SHOWN = 64
_INPUT_ROLES = ("user", "system", "developer")
_STATUSES = (None, "in_progress", "completed", "incomplete")
_PHASES = (None, "commentary", "final_answer")
_MESSAGE_KEYS = frozenset({"id", "type", "role", "content", "status", "phase"})
_CALL_KEYS = frozenset({"id", "type", "call_id", "name", "arguments", "status"})
_OUTPUT_KEYS = frozenset({"id", "type", "call_id", "output", "status", "name"})
_REASONING_KEYS = frozenset({"id", "type", "summary", "content", "encrypted_content", "status"})
_COMPACTION_KEYS = frozenset({"id", "type", "encrypted_content", "created_by"})
_IMAGE_KEYS = frozenset({"type", "image_url", "detail"})
_DETAILS = ("auto", "low", "high")
_REFERENCE_KEYS = frozenset({"id", "type"})


def read_items(value: object, new_id: NewId, where: str = "input") -> list[Item]:
    """Every item of an `input` (a string, or a list of item parameters) in its stored form."""
    if isinstance(value, str):
        return [_message(new_id, "user", [{"type": "input_text", "text": value}])]
    if not isinstance(value, list):
        raise TranscriptError(0, f"{where} is a string or a list of items", where)
    each = cast("list[object]", value)
    return [_Reading(i, f"{where}[{i}]", new_id).item(item) for i, item in enumerate(each)]


def _message(new_id: NewId, role: str, parts: list[dict[str, Any]], **more: Any) -> Item:
    return {
        "type": "message",
        "id": new_id("msg"),
        "status": "completed",
        "role": role,
        "content": parts,
        **more,
    }


class _Reading:
    """One item at its place in the request."""

    def __init__(self, index: int, where: str, new_id: NewId) -> None:
        self._index = index
        self._where = where
        self._new_id = new_id

    def item(self, value: object) -> Item:
        if not isinstance(value, dict):
            raise self._error("an item is an object with a type")
        wire = cast("dict[str, Any]", value)
        match self._kind(wire):
            case "message":
                return self._read_message(wire)
            case "function_call":
                return self._read_call(wire)
            case "function_call_output":
                return self._read_output(wire)
            case "reasoning":
                return self._read_reasoning(wire)
            case "compaction":
                self._only(wire, _COMPACTION_KEYS)
                content = self._text(wire, "encrypted_content")
                return {
                    "type": "compaction",
                    "id": self._new_id("cmp"),
                    "encrypted_content": content,
                }
            case "item_reference":
                self._only(wire, _REFERENCE_KEYS)
                return {"type": "item_reference", "id": self._text(wire, "id")}
            case kind:
                raise self._error(f"items of type {_shown(kind)} are not supported", "type")

    def _kind(self, wire: Mapping[str, Any]) -> object:
        kind = wire.get("type")
        if kind is None:
            return "message" if "role" in wire else "item_reference"
        return kind

    def _read_message(self, wire: Mapping[str, Any]) -> Item:
        self._only(wire, _MESSAGE_KEYS)
        status, role, phase = self._status(wire), wire.get("role"), wire.get("phase")
        if role == "assistant":
            if phase not in _PHASES:
                raise self._error("phase is 'commentary' or 'final_answer'", "phase")
            parts = self._parts(wire.get("content"), self._assistant_part, "output_text")
            more = {} if phase is None else {"phase": phase}
            return _message(self._new_id, "assistant", parts, **more) | {"status": status}
        if role not in _INPUT_ROLES:
            problem = f"{_shown(role)} is no role; use user, assistant, system or developer"
            raise self._error(problem, "role")
        if phase is not None:
            raise self._error("only an assistant's message has a phase", "phase")
        read = self._user_part if role == "user" else self._input_part
        parts = self._parts(wire.get("content"), read, "input_text")
        return _message(self._new_id, role, parts) | {"status": status}

    def _read_call(self, wire: Mapping[str, Any]) -> Item:
        self._only(wire, _CALL_KEYS)
        name = wire.get("name")
        if not isinstance(name, str) or _FUNCTION_NAME.fullmatch(name) is None:
            problem = "a function's name has 1 to 64 letters, digits, underscores or dashes"
            raise self._error(problem, "name")
        return {
            "type": "function_call",
            "id": self._new_id("fc"),
            "call_id": self._call_id(wire),
            "name": name,
            "arguments": self._text(wire, "arguments"),
            "status": self._status(wire),
        }

    def _read_output(self, wire: Mapping[str, Any]) -> Item:
        self._only(wire, _OUTPUT_KEYS)
        output = wire.get("output")
        if not isinstance(output, str):
            output = self._parts(output, self._input_part, "input_text", "output")
        return {
            "type": "function_call_output",
            "id": self._new_id("fco"),
            "call_id": self._call_id(wire),
            "output": output,
            "status": self._status(wire),
        }

    def _read_reasoning(self, wire: Mapping[str, Any]) -> Item:
        """Kept as it came, for the app to read back; models are not shown it."""
        self._only(wire, _REASONING_KEYS)
        read: Item = {"type": "reasoning", "id": self._new_id("rs")}
        read["summary"] = self._texts(wire.get("summary"), "summary", "summary_text")
        if wire.get("content") is not None:
            read["content"] = self._texts(wire["content"], "content", "reasoning_text")
        if wire.get("encrypted_content") is not None:
            read["encrypted_content"] = self._text(wire, "encrypted_content")
        return read

    def _texts(self, value: object, key: str, kind: str) -> list[Item]:
        if not isinstance(value, list):
            raise self._error(f"{key} is a list of {kind} parts", key)
        return [
            {"type": kind, "text": self._part_text(part, f"{key}[{j}]", kind, "text")}
            for j, part in enumerate(cast("list[object]", value))
        ]

    def _parts(
        self, value: object, read: Callable[[object, str], Item], kind: str, key: str = "content"
    ) -> list[Item]:
        """Content as a list of parts; a string is one part of `kind`."""
        if isinstance(value, str):
            return [read({"type": kind, "text": value}, f"{key}[0]")]
        if not isinstance(value, list):
            raise self._error(f"{key} is a string or a list of parts", key)
        parts = cast("list[object]", value)
        if not parts:
            raise self._error(f"{key} has no parts", key)
        return [read(part, f"{key}[{j}]") for j, part in enumerate(parts)]

    def _input_part(self, part: object, at: str) -> Item:
        kind = self._part_kind(part, at)
        if kind in ("input_text", "text"):
            text = self._part_text(part, at, kind, "text")
            return {"type": "input_text", "text": text}
        raise self._unsupported(kind, at)

    def _user_part(self, part: object, at: str) -> Item:
        if self._part_kind(part, at) != "input_image":
            return self._input_part(part, at)
        wire = cast("dict[str, Any]", part)
        for key, value in wire.items():
            if key not in _IMAGE_KEYS and value is not None:
                raise self._error(f"{key[:_SHOWN]} is not supported", f"{at}.{key[:_SHOWN]}")
        detail = wire.get("detail") or "auto"
        if detail not in _DETAILS:
            raise self._error(f"detail is one of {', '.join(_DETAILS)}", f"{at}.detail")
        url = {"image_url": wire.get("image_url")}
        image_chunk(self._index, url, f"{self._where}.{at}")
        return {"type": "input_image", **url, "detail": detail}

    def _assistant_part(self, part: object, at: str) -> Item:
        kind = self._part_kind(part, at)
        if kind == "refusal":
            return {"type": "refusal", "refusal": self._part_text(part, at, kind, "refusal")}
        if kind in ("output_text", "input_text", "text"):
            text = self._part_text(part, at, kind, "text")
            return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        raise self._unsupported(kind, at)

    def _part_kind(self, part: object, at: str) -> str:
        if not isinstance(part, dict):
            raise self._error("a content part is an object with a type", at)
        kind = cast("dict[str, Any]", part).get("type")
        if not isinstance(kind, str):
            raise self._error("a content part needs a type", f"{at}.type")
        return kind

    def _part_text(self, part: object, at: str, kind: str, key: str) -> str:
        if not isinstance(part, dict):
            raise self._error("a part is an object with a type", at)
        wire = cast("dict[str, Any]", part)
        if wire.get("type") != kind:
            raise self._unsupported(str(wire.get("type")), at)
        if not isinstance(text := wire.get(key), str):
            raise self._error(f"{key} is a string", f"{at}.{key}")
        return text

    def _call_id(self, wire: Mapping[str, Any]) -> str:
        call_id = wire.get("call_id")
        if not isinstance(call_id, str) or not 0 < len(call_id) <= _LONGEST_ID:
            raise self._error(f"call_id is a string of 1 to {_LONGEST_ID} characters", "call_id")
        return call_id

    def _status(self, wire: Mapping[str, Any]) -> str:
        if (status := wire.get("status")) not in _STATUSES:
            problem = f"{_shown(status)} is no status; use in_progress, completed or incomplete"
            raise self._error(problem, "status")
        return "incomplete" if status == "incomplete" else "completed"

    def _text(self, wire: Mapping[str, Any], key: str) -> str:
        if not isinstance(text := wire.get(key), str):
            raise self._error(f"{key} is a string", key)
        return text

    def _only(self, wire: Mapping[str, Any], keys: frozenset[str]) -> None:
        """No field that is not understood; null is as good as absent."""
        for key, value in wire.items():
            if key not in keys and value is not None:
                raise self._error(f"unknown parameter: {key[:_SHOWN]}", key[:_SHOWN])

    def _unsupported(self, kind: str, at: str) -> TranscriptError:
        problem = f"content parts of type {_shown(kind)} are not supported here; send text"
        return self._error(problem, f"{at}.type")

    def _error(self, problem: str, key: str = "") -> TranscriptError:
        param = f"{self._where}.{key}" if key else self._where
        return TranscriptError(self._index, problem, param)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
