"""The decoder gives the same events however the bytes are cut."""

from __future__ import annotations

from collections import deque

import pytest

from routing.errors import BackendProtocolError
from routing.sse import SseDecoder

BODIES: dict[str, tuple[bytes, list[bytes]]] = {
    "plain": (b"data: one\n\ndata: two\n\n", [b"one", b"two"]),
    "crlf": (b"data: one\r\n\r\ndata: two\r\n\r\n", [b"one", b"two"]),
    "cr alone": (b"data: one\r\rdata: two\r\r", [b"one", b"two"]),
    "mixed ends": (b"data: one\r\n\ndata: two\n\r\n", [b"one", b"two"]),
    "no blank": (b"data:one\n\ndata:  two\n\n", [b"one", b" two"]),
    "several lines": (b"data: a\ndata\ndata: b\n\n", [b"a\n\nb"]),
    "comments": (b": ping\n\nevent: x\nid: 1\nretry: 5\ndata: a\n: b\n\n\n\n", [b"a"]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
    "split character": ("data: né 漢字 🎈\n\n".encode(), ["né 漢字 🎈".encode()]),
    "no end": (b"data: one\n\ndata: two", [b"one", b"two"]),
}


def decoded(chunks: list[bytes]) -> list[bytes]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.finish()


@pytest.mark.parametrize("name", BODIES)
def test_events_are_the_same_cut_at_every_byte(name: str) -> None:
    body, events = BODIES[name]
    assert decoded([body]) == events
    assert decoded([body[i : i + 1] for i in range(len(body))]) == events
    for first in range(len(body) + 1):
        assert decoded([body[:first], body[first:]]) == events
        for second in range(first, len(body) + 1):
            assert decoded([body[:first], body[first:second], body[second:]]) == events


def test_an_event_is_given_as_soon_as_it_has_ended() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r\n\r") == [b"a"]
    assert decoder.feed(b"\ndata: b\n\n") == [b"b"]


@pytest.mark.parametrize("body", [b"data: " + b"x" * 200, b"data: 0123456789\n" * 20])
def test_an_event_without_end_is_bounded(body: bytes) -> None:
    decoder = SseDecoder(max_event_bytes=100)
    with pytest.raises(BackendProtocolError, match="100 bytes"):
        deque(decoder.feed(body[start : start + 7]) for start in range(0, len(body), 7))
