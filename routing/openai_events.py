"""The events of a streamed chat completion that arrived together, as JSON.

A long answer is one envelope, told again and again around the next piece of text. Of such pieces that came
together the envelope is read once and the texts as one list: they are told as one event with all of their
text, as what arrives together goes on together. Every other event is told as it is, and the order stays.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import Any

import orjson

_CONTENT = re.compile(rb'"content": ?("[^"\\]*+(?:\\.[^"\\]*+)*+")')
_WORTH = 8
"""Events, at least, among which pieces of text are looked for."""


def read_together(events: list[bytes]) -> list[dict[str, Any]] | None:
    """What the events say; None where each needs a look of its own, as an error does, or what is no object."""
    pieces = _pieces(events) if len(events) >= _WORTH else None
    if pieces is None:
        return _objects(events)
    first, behind, event = pieces
    told = _objects([*events[:first], *events[behind:]])
    if told is not None:
        told.insert(first, event)
    return told


def _objects(events: list[bytes]) -> list[dict[str, Any]] | None:
    try:
        told = orjson.loads(b"[%b]" % b",".join(events))
    except orjson.JSONDecodeError:
        return None
    if len(told) != len(events):
        return None
    for event in told:
        if event.__class__ is not dict or "error" in event:
            return None
    return told


def _pieces(events: list[bytes]) -> tuple[int, int, dict[str, Any]] | None:
    """The first of the events that differ in their text only, the one behind the last, and one for all of them.

    They are found around the event in the middle: a role comes first, a reason and the usage last.
    """
    like = events[len(events) // 2]
    found = _CONTENT.search(like)
    try:
        event = orjson.loads(like)
    except orjson.JSONDecodeError:
        return None
    if found is None or not _brings_text_alone(event):
        return None
    head, tail = like[: found.start(1)], like[found.end(1) :]
    first, behind = 0, len(events)
    while not (events[first].startswith(head) and events[first].endswith(tail)):
        first += 1
    while not (events[behind - 1].startswith(head) and events[behind - 1].endswith(tail)):
        behind -= 1
    run = events[first:behind]
    texts = [*map(itemgetter(slice(len(head), -len(tail))), run)]
    if b"".join(run) != b"%b%b%b" % (head, (tail + head).join(texts), tail):
        return None
    try:
        # No JSON string goes on in the next line, so that a list of as many strings has one on each.
        told = orjson.loads(b"[%b]" % b",\n".join(texts))
        bare = orjson.loads(head + b"null" + tail)
    except orjson.JSONDecodeError:
        return None
    if len(told) != len(texts) or {*map(type, told)} != {str}:
        return None
    if bare["choices"][0]["delta"]["content"] is not None:
        return None  # what was taken for the answer's text stands elsewhere
    event["choices"][0]["delta"]["content"] = "".join(told)
    return first, behind, event


def _brings_text_alone(event: Any) -> bool:
    """Whether a chunk has text, and nothing that would count twice when it is told twice."""
    match event:
        case {"choices": [{"delta": {"content": str()} as delta} as choice]}:
            more = delta.get("tool_calls") or choice.get("logprobs") or choice.get("token_ids")
            return not more and "error" not in event
        case _:
            return False
