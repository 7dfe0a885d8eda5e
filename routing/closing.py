"""When a call's arguments are whole: told while the rest of the turn is still to come.

What it is: a memory of which calls of a growing list were told already, so that each is told once, in
order, and goes into the completion under the id that it was told with.
What it is not: a judge of arguments. Whole means that they are a JSON object: whatever followed would
break them or be said twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from mistral_common.protocol.instruct.tool_calls import ToolCall

from routing.backend import CallClosed
from routing.native import parse_call_list

MOST_LOOKS = 128
"""In a turn: reading a growing text again and again must not take time that grows with its square."""


class ClosedCalls:
    """The calls of one turn."""

    def __init__(self) -> None:
        self._told: list[ToolCall] = []
        self._looks = 0

    def news_of(self, text: str) -> list[CallClosed]:
        """What became whole in a native call text since it was read the last time.

        To be asked where an object has ended: reading takes time that is linear in the text.
        """
        self._looks += 1
        if self._looks > MOST_LOOKS:
            return []
        calls = parse_call_list(text).calls
        news: list[CallClosed] = []
        for call in calls[len(self._told) :]:
            if not is_whole(call.function.arguments):
                break
            self._told.append(call)
            news.append(CallClosed(call))
        return news

    def under_their_ids(self, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
        """The completion's calls; those that were told keep the ids that they were told with."""
        told = self._told
        return tuple(
            told[at] if at < len(told) and told[at].function == call.function else call
            for at, call in enumerate(calls)
        )


def is_whole(arguments: str) -> bool:
    """Whether the text is a JSON object."""
    try:
        return isinstance(orjson.loads(arguments), dict)
    except orjson.JSONDecodeError:
        return False
