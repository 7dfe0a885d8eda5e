"""A backend whose turns ask for no grammar: for a model that does better without.

What it is: a wrapper; everything but `Turn.constrain` is the inner backend's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from routing.backend import (
    Completion,
    ModelBackend,
    TextDelta,
    TokenCount,
    Turn,
    accepts_images,
    tells_logprobs,
)


class Unconstrained:
    """`inner`, asked freely."""

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

    def stream(self, turn: Turn) -> AsyncIterator[TextDelta | Completion]:
        """The inner stream itself: closing it reaches the engine."""
        return self._inner.stream(replace(turn, constrain=False))

    async def count_tokens(self, turn: Turn) -> TokenCount:
        """The inner backend's."""
        return await self._inner.count_tokens(turn)

    async def ready(self) -> bool:
        """The inner backend's."""
        return await self._inner.ready()

    async def aclose(self) -> None:
        """Close the inner backend."""
        await self._inner.aclose()
