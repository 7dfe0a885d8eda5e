"""What is configured and can't be had."""

from __future__ import annotations

from gateway.settings import SettingsError


class CompositionError(SettingsError):
    """What is configured can't be had. The text, or texts, are for people; `hint` says what to do."""

    def __init__(self, told: str | list[str], hint: str = "") -> None:
        super().__init__([told] if isinstance(told, str) else told)
        self.hint = hint
