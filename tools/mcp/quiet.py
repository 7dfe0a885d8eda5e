"""What the SDK logs of a server's words: nothing. A server may say what it was given, and logs are kept.

What it is: a filter on the SDK's two transports, which log what they can't read with a traceback that quotes it, and
every message at DEBUG. That something could not be read is still told.
"""

from __future__ import annotations

import logging

_TRANSPORTS = ("mcp.client.stdio", "mcp.client.streamable_http")


class _WithoutWords(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return record.levelno > logging.DEBUG


_FILTER = _WithoutWords()


def log_no_words() -> None:
    """From now on, for the whole process."""
    for name in _TRANSPORTS:
        logging.getLogger(name).addFilter(_FILTER)  # a second time is none
