"""What is configured and can't be had."""

from __future__ import annotations

from gateway.settings import SettingsError


class CompositionError(SettingsError):
    """What is configured can't be had. The text is for people; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__([message])
        self.hint = hint
