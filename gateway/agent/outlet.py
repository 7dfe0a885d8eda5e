"""What of a model's text may be shown now.

Text goes out as it comes, but for what looks like a call list that leaked into the content: that is held back and
read as what it is. Text that merely quotes such a list from the conversation stays text. Text that only repeats
itself is held back too, and a model that does not come out of it is stopped.
"""

from __future__ import annotations

from collections.abc import Sequence

from mistral_common.protocol.instruct.messages import ChatMessage
from mistral_common.protocol.instruct.tool_calls import ToolCall

from gateway.transcript.parts import words_of
from routing.backend import Completion, Turn
from routing.leak_gate import LeakGate
from routing.native import parse_call_list
from routing.repetition import RepetitionGate


class Outlet:
    """For the text of one turn: `feed` it piece by piece, then `finish`.

    `endless` turns true when the model has fallen into a loop; nothing is to be fed after that.
    """

    def __init__(self, turn: Turn) -> None:
        self.endless = False
        self._messages = turn.messages
        self._leaks = LeakGate() if turn.tools and turn.output_schema is None else None
        self._repeats = RepetitionGate(turn.max_repetition) if turn.max_repetition else None

    def feed(self, text: str) -> str:
        """What has become visible by `text`: possibly nothing."""
        if self._leaks:
            text = self._leaks.feed(text)
            if not self._leaks.is_open:
                return text
            self._leaks = None
        return self._repeated(text)

    def finish(self, completion: Completion) -> tuple[str, tuple[ToolCall, ...], list[str]]:
        """The rest of the text of a turn that came to its end, the calls that leaked into it, and notes."""
        rest, calls = "", ()
        notes: list[str] = []
        if self._leaks:
            rest, leaked = self._leaks.finish()
            calls = parse_call_list(leaked).calls if leaked else ()
            if calls and not _are_quoted(calls, self._messages):
                notes.append("read a call list that leaked into the content")
            else:
                rest, calls = rest + leaked, ()
        if self._repeats:
            rest = self._repeated(rest)
            rest += self._repeats.finish(cut=completion.finish_reason == "length")
            if self._repeats.endless:
                notes.append("left out text that only repeated itself")
        return rest, calls, notes

    def _repeated(self, text: str) -> str:
        if self._repeats and text:
            text = self._repeats.feed(text)
            self.endless = self._repeats.endless
        return text


def _are_quoted(calls: Sequence[ToolCall], messages: Sequence[ChatMessage]) -> bool:
    """Whether one of the calls stands in the conversation already: then it is an echo, not a wish.

    Compared by letters and digits alone, since a tool's result may hold the text escaped once more.
    """
    said = [_skeleton(words_of(message)) for message in messages if message.content]
    for call in calls:
        written = _skeleton(f"name{call.function.name}arguments{call.function.arguments}")
        if any(written in each for each in said):
            return True
    return False


def _skeleton(text: str) -> str:
    return "".join(filter(str.isalnum, text))
