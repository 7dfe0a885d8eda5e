"""Holds back text that may be a call in disguise, so that nothing provisional is shown.

A model sometimes spells its call into the content (`[TOOL_CALLS][{"name": …`, `[{"name": …`), or the
engine hands a cut call list back as content. Such text must not be streamed: once shown it can't be
taken back. Everything else passes at once; an answer that merely begins like a call is held back
until it shows what it is.
"""

from __future__ import annotations

from routing.native import looks_like_call_list

MAX_HELD = 65_536
"""Text that has not told what it is by then is a call list that never gets to the point."""


SHORT = 512
"""Up to this many characters the text is judged at every piece."""


class LeakGate:
    """Feed it the content's pieces; it gives what may be shown.

    Only the beginning of a content is judged: a call that follows prose is not native, and text. Once
    `is_open`, everything passes and nobody needs to ask any more.
    """

    def __init__(self) -> None:
        self.is_open = False
        self._held = ""
        self._leaks = False
        self._checked = 0

    def feed(self, text: str) -> str:
        """What of the content so far has become visible by `text`: possibly nothing."""
        if self.is_open:
            return text
        self._held += text
        if self._leaks:
            return ""
        if SHORT < len(self._held) < 1.5 * self._checked:
            return ""  # a long text is judged again at growing lengths, so that time stays linear
        return self._judge()

    def finish(self) -> tuple[str, str]:
        """The end of the content: `(visible rest, leaked raw)`; at most one is not empty.

        An undecided rest is handed back as leaked: whoever parses it finds a call in it or none.
        """
        held, self._held = self._held, ""
        if not held.strip():
            return held, ""
        return ("", held) if looks_like_call_list(held) is not False else (held, "")

    def _judge(self) -> str:
        self._checked = len(self._held)
        leaks = looks_like_call_list(self._held)
        if leaks is False:
            self.is_open = True
            held, self._held = self._held, ""
            return held
        self._leaks = leaks is True or len(self._held) > MAX_HELD
        return ""
