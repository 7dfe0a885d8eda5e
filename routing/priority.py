"""How urgent a turn is, against other turns: who waits for whom when there is not room for all."""

from __future__ import annotations

from typing import Literal, get_args

Priority = Literal["low", "normal", "high"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
"""From what can wait to what can't."""


def rank(priority: Priority) -> int:
    """-1, 0, 1: the lower goes first, as with vLLM's `priority`."""
    return 1 - PRIORITIES.index(priority)


def at_most(wished: Priority, most: Priority) -> Priority:
    """What is granted of a wish."""
    return max(wished, most, key=rank)
