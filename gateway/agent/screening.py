"""A turn's text on its way out, through the rules that watch it while it is streamed."""

from __future__ import annotations

from policies.policy import Screen


class Screening:
    """One turn. Without a `screen` everything goes out as it comes."""

    __slots__ = ("_let_out", "_said", "screen")

    def __init__(self, screen: Screen | None = None) -> None:
        self.screen = screen
        self._said: list[str] = []
        self._let_out: list[str] = []

    def feed(self, text: str) -> str:
        """What may go out now."""
        if self.screen is None:
            return text
        self._said.append(text)
        return self._out(self.screen.feed(text))

    def finish(self) -> str:
        """What was held back and may go out at the end of the turn."""
        return "" if self.screen is None else self._out(self.screen.finish())

    def recorded(self, text: str) -> str:
        """The turn's text as the record may keep it: nothing that a rule took out."""
        return text if self.screen is None else "".join(self._let_out)

    @property
    def changed(self) -> bool:
        """Whether a rule took something out."""
        return self._said != self._let_out and "".join(self._said) != "".join(self._let_out)

    @property
    def stopped(self) -> str | None:
        """Why the answer ends here, None while it may go on."""
        return None if self.screen is None else self.screen.stopped

    def _out(self, text: str) -> str:
        if text:
            self._let_out.append(text)
        return text
