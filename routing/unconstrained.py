"""A backend whose turns ask for no grammar: for a model that does better without.

What it is: a wrapper; everything but `Turn.constrain` is the inner backend's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from routing.backend import StreamItem, Turn
from routing.wrapped import Wrapped


class Unconstrained(Wrapped):
    """`inner`, asked freely."""

    def stream(self, turn: Turn) -> AsyncIterator[StreamItem]:
        """The inner stream itself: closing it reaches the engine."""
        return self._inner.stream(replace(turn, constrain=False))
