"""Mistral's native call text: reading `[TOOL_CALLS][{"name": …, "arguments": …}, …]`.

What it is: a reader of what stands behind `[TOOL_CALLS]`, and of the same text leaked into content.
It finds where each call's name and arguments are and hands the arguments on exactly as spelled.
What it is not: a judge. Whether arguments are JSON, and fit a schema, is for `tools`; so nothing here
is re-encoded, and nested text of any depth is only counted, never recursed into. It never raises, and
its time is linear in the text.

Both spellings are understood, each with or without the leading marker:
- up to tokenizer V7: `[TOOL_CALLS][{"name": "x", "arguments": {…}}, …]`, or one bare object;
- from tokenizer V11: `[TOOL_CALLS]x[ARGS]{…}`, repeated for each call (`routing.native_args`).
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from routing.native_args import is_cut_before_arguments, named_call

CALL_MARKER = "[TOOL_CALLS]"

_STRING_BODY = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_STRING = re.compile(_STRING_BODY, re.DOTALL)
_STRUCTURE = re.compile(_STRING_BODY + r'|[{}\[\]"]', re.DOTALL)
_SCALAR = re.compile(r'[^\s,:"{}\[\]]*+')
_SPACE = re.compile(r"\s*+")
_MARKER = re.compile(r"\s*+\[TOOL_CALLS\]")
_ARGUMENT_KEYS = ("arguments", "parameters")
_CALL_KEYS = frozenset({"name", "id", "type", *_ARGUMENT_KEYS})

_NOT_BEGUN = "{"
"""The arguments of a call that was cut before them: visibly cut, so that nobody reads `{}`."""


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class CallList:
    """What a call text holds.

    `calls` keep the arguments exactly as spelled (`""` when a finished call has none), under fresh
    ids. `complete` is False when the text was cut or broken: then the last call may be a partial one.
    `tail` is text that is no part of the calls. A text that is no call list has no calls, is not
    complete, and is its own tail.
    """

    calls: tuple[ToolCall, ...]
    tail: str
    complete: bool


def new_call_id() -> str:
    """Nine alphanumerics: the only form of id that Mistral's tokenizers and API accept."""
    return secrets.token_hex(5)[:9]


def parse_call_list(text: str) -> CallList:
    """Read the calls in `text`. See `CallList` for what comes back when they are cut or broken."""
    text = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates: not encodable later
    calls: list[ToolCall] = []
    at = 0
    while True:
        marker = _MARKER.match(text, at)
        if marker is None and at > 0:
            break
        start = _skip_space(text, marker.end() if marker else at)
        section = _read_section(text, start, marked=marker is not None)
        if section is None:
            break
        calls.extend(section.calls)
        at = section.end
        if not section.complete:
            return CallList(tuple(calls), text[at:], complete=False)
    return CallList(tuple(calls), text[at:] if text[at:].strip() else "", complete=at > 0)


def looks_like_call_list(prefix: str) -> bool | None:
    """Whether a content that begins with `prefix` is a leaked call list; decides what to hold back.

    True and False are final, whatever follows. None: it can't be told yet; when the text ends there,
    `parse_call_list` may still find a call in it. Without the marker, a call shows itself by its
    name and arguments, with no other key before them: a list of people is an answer.
    """
    start = _skip_space(prefix, 0)
    marked = prefix.startswith(CALL_MARKER, start)
    if marked:
        start = _skip_space(prefix, start + len(CALL_MARKER))
        if named_call(prefix, start, marked=True):
            return True
    elif CALL_MARKER.startswith(prefix[start : start + len(CALL_MARKER)]):
        return None  # nothing yet, `[`, `[TOOL`
    listed = prefix.startswith("[", start)
    if listed:
        start = _skip_space(prefix, start + 1)
    if start == len(prefix):
        return None
    if prefix[start] != "{":
        may_be_named = marked and not listed and is_cut_before_arguments(prefix, start)
        return None if may_be_named else False
    return _shows_a_call(prefix, _read_object(prefix, start), marked=marked, listed=listed)


class _Field(NamedTuple):
    key: str
    start: int
    end: int


class _Object(NamedTuple):
    """One object's fields, and where reading it stopped."""

    fields: list[_Field]
    end: int
    state: Literal["closed", "cut", "broken"]


class _Section(NamedTuple):
    calls: list[ToolCall]
    end: int
    complete: bool


def _shows_a_call(text: str, found: _Object, *, marked: bool, listed: bool) -> bool | None:
    named = given = False
    for field in found.fields:
        last = field is found.fields[-1] and found.state == "cut"
        if field.key == "name" and not named:
            if text[field.start : field.start + 1] not in {'"', ""}:
                return False
            named = not last
        elif field.key in _ARGUMENT_KEYS:
            given = given or field.end > field.start
        elif field.key not in _CALL_KEYS and not marked:
            return False
        if named and given:
            return True
    if found.state == "cut":
        return None
    return found.state == "closed" and named and (listed or marked)


def _read_section(text: str, start: int, *, marked: bool) -> _Section | None:
    """One marker's worth of calls; None when there is no call list at `start`."""
    if text.startswith("[", start):
        return _read_list(text, start)
    if text.startswith("{", start):
        found = _read_object(text, start)
        call = _call_of(text, found)
        if call is None:
            return _Section([], len(text), complete=False) if found.state == "cut" else None
        return _Section([call], found.end, complete=found.state == "closed")
    named = named_call(text, start, marked=marked)
    if named is None:
        is_cut = marked and is_cut_before_arguments(text, start)
        return _Section([], len(text), complete=False) if is_cut else None
    end, closed = _value_end(text, named.arguments)
    arguments = text[named.arguments : end] or _NOT_BEGUN
    return _Section([_new_call(named.name, arguments)], end, complete=closed)


def _read_list(text: str, start: int) -> _Section | None:
    calls: list[ToolCall] = []
    at = _skip_space(text, start + 1)
    while at < len(text):
        if text[at] == "]":
            return _Section(calls, at + 1, complete=True)
        found = _read_object(text, at) if text[at] == "{" else None
        call = _call_of(text, found) if found else None
        if found is None or (call is None and found.state != "cut"):
            return _Section(calls, at, complete=False) if calls else None
        if call is not None:
            calls.append(call)
        at = _skip_space(text, found.end)
        if found.state == "broken":
            return _Section(calls, found.end, complete=False)
        if text.startswith(",", at):
            at = _skip_space(text, at + 1)
        elif at < len(text) and text[at] != "]":
            return _Section(calls, at, complete=False)
    return _Section(calls, len(text), complete=False)


def _call_of(text: str, found: _Object) -> ToolCall | None:
    """The call that an object holds; None when it has no (whole) name. The first of a key counts."""
    name: str | None = None
    arguments: str | None = None
    for field in found.fields:
        value = text[field.start : field.end]
        if field.key == "name" and name is None:
            name = _decoded(value)
            if name is None:
                return None
        elif field.key in _ARGUMENT_KEYS and arguments is None:
            arguments = value or _NOT_BEGUN
    if name is None:
        return None
    if arguments is None:
        arguments = "" if found.state == "closed" else _NOT_BEGUN
    return _new_call(name, arguments)


def _read_object(text: str, start: int) -> _Object:
    fields: list[_Field] = []
    at = _skip_space(text, start + 1)
    while at < len(text):
        if text[at] == "}":
            return _Object(fields, at + 1, "closed")
        key = _STRING.match(text, at)
        if key is None:
            return _Object(fields, len(text), "cut") if text[at] == '"' else _broken(fields, at)
        colon = _skip_space(text, key.end())
        if colon == len(text):
            break
        if text[colon] != ":":
            return _broken(fields, colon)
        value = _skip_space(text, colon + 1)
        end, closed = _value_end(text, value)
        fields.append(_Field(key[0][1:-1], value, end))
        if not closed:
            return _Object(fields, end, "cut") if end == len(text) else _broken(fields, end)
        at = _skip_space(text, end)
        if text.startswith(",", at):
            at = _skip_space(text, at + 1)
        elif at < len(text) and text[at] != "}":
            return _broken(fields, at)
    return _Object(fields, len(text), "cut")


def _broken(fields: list[_Field], at: int) -> _Object:
    return _Object(fields, at, "broken")


def _value_end(text: str, start: int) -> tuple[int, bool]:
    """Where the value at `start` ends, and whether it is whole. Brackets are counted, not matched."""
    if text.startswith('"', start):
        whole = _STRING.match(text, start)
        return (whole.end(), True) if whole else (len(text), False)
    if not text.startswith(("{", "["), start):
        scalar = _SCALAR.match(text, start)
        end = scalar.end() if scalar else start
        return end, start < end < len(text)
    depth = 0
    for token in _STRUCTURE.finditer(text, start):
        if token[0] == '"':  # a string that never ends
            break
        if token[0] in "{[":
            depth += 1
        elif token[0] in "}]":
            depth -= 1
            if depth == 0:
                return token.end(), True
    return len(text), False


def _decoded(raw: str) -> str | None:
    """The string that `raw` spells; None when it is no whole JSON string."""
    if not raw.startswith('"'):
        return None
    try:
        value: str = json.loads(raw, strict=False)
    except ValueError:
        return None
    return value.encode("utf-8", "replace").decode("utf-8")


def _new_call(name: str, arguments: str) -> ToolCall:
    return ToolCall(id=new_call_id(), function=FunctionCall(name=name, arguments=arguments))


def _skip_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
