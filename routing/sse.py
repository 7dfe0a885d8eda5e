"""Server-sent events, decoded from bytes as they come.

What it is: a decoder that gives the same events however the body is cut into chunks, even in the
middle of a character or between CR and LF.
What it is not: a client. It knows only `data`; event names, ids and retry times are skipped, as are
comments (`: ping`).
"""

from __future__ import annotations

from routing.errors import BackendProtocolError

MAX_EVENT_BYTES = 16 * 1024 * 1024
_BEGIN, _END = b"data: ", b"\n\n"
"""Of an event of one line of data and nothing else, as every engine writes them."""
_BEGUN, _ENDED, _BETWEEN = len(_BEGIN), len(_END), _END + _BEGIN


class SseDecoder:
    """Feed it bytes, get the data of each event that ended in them."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._line: list[bytes] = []
        self._line_size = 0
        self._data: list[bytes] = []
        self._size = 0
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of every event completed by `chunk`.

        Raises `BackendProtocolError` when an event grows beyond the bound.
        """
        if not chunk:
            return []
        if self._after_cr or b"\r" in chunk:
            chunk = self._without_cr(chunk)
        events: list[bytes] = []
        if b"\n" in chunk:
            if self._line:  # a line that comes in many pieces is put together once
                chunk = b"".join((*self._line, chunk))
                self._line, self._line_size = [], 0
            if chunk := self._plain(chunk, events):
                *lines, chunk = chunk.split(b"\n")
                for line in lines:
                    self._read(line, events)
        if chunk:
            self._line.append(chunk)
            self._line_size += len(chunk)
        if self._size + self._line_size > self._max:
            raise BackendProtocolError(f"an event of more than {self._max} bytes")
        return events

    def finish(self) -> list[bytes]:
        """The last event, when the body ended without the blank line that ends an event."""
        events: list[bytes] = []
        self._read(b"".join(self._line), events)
        self._read(b"", events)
        self._line, self._line_size = [], 0
        return events

    def _without_cr(self, chunk: bytes) -> bytes:
        """Every line's end as LF; one that was cut between CR and LF has come already."""
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _plain(self, text: bytes, events: list[bytes]) -> bytes:
        """Take the events in front of `text` at once, if all are plain; gives what is left to read by lines."""
        if self._data or not text.startswith(_BEGIN) or (end := text.rfind(_END)) < 0:
            return text
        found = text[_BEGUN:end].split(_BETWEEN)
        if text.count(b"\n", 0, end) != _ENDED * (len(found) - 1):
            return text  # something else stands between them
        self._at_start = False
        events += found
        return text[end + _ENDED :]

    def _read(self, line: bytes, events: list[bytes]) -> None:
        if self._at_start:
            line = line.removeprefix(b"\xef\xbb\xbf")
            self._at_start = False
        if line.startswith(b"data:"):
            value = line[5:].removeprefix(b" ")
            self._data.append(value)
            self._size += len(value)
        elif line == b"data":
            self._data.append(b"")
        elif not line and self._data:
            events.append(b"\n".join(self._data))
            self._data = []
            self._size = 0
