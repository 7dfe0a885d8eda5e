"""The one thing that can be wrong with a conversation: it is not one, and here is where."""

from __future__ import annotations


class TranscriptError(ValueError):
    """A message can't be understood or does not fit the ones before it.

    `index` counts the request's messages from 0; `param` is the path of the offending value, as in
    `messages[3].tool_call_id`.
    """

    def __init__(self, index: int, message: str, param: str) -> None:
        super().__init__(message)
        self.index = index
        self.message = message
        self.param = param
