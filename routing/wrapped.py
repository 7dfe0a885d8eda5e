"""What every wrapper around a backend has in common: it is the inner backend, but for its turns."""

from __future__ import annotations

from routing.backend import (
    ModelBackend,
    TokenCount,
    Turn,
    accepts_images,
    most_answers,
    tells_logprobs,
)


class Wrapped:
    """Everything but `stream` is the inner backend's."""

    def __init__(self, inner: ModelBackend) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        """The inner backend's."""
        return self._inner.name

    @property
    def model(self) -> str:
        """The inner backend's."""
        return self._inner.model

    @property
    def context_tokens(self) -> int:
        """The inner backend's."""
        return self._inner.context_tokens

    @property
    def accepts_images(self) -> bool:
        """The inner backend's."""
        return accepts_images(self._inner)

    @property
    def tells_logprobs(self) -> bool:
        """The inner backend's."""
        return tells_logprobs(self._inner)

    @property
    def most_answers(self) -> int:
        """The inner backend's."""
        return most_answers(self._inner)

    async def count_tokens(self, turn: Turn) -> TokenCount:
        """The inner backend's."""
        return await self._inner.count_tokens(turn)

    async def ready(self) -> bool:
        """The inner backend's."""
        return await self._inner.ready()

    async def aclose(self) -> None:
        """Close the inner backend."""
        await self._inner.aclose()
