"""A training example and a batch of them that share a prefix."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A continuation: token ids, and from where on they are the answer to learn.

    ``ids[start:]`` are targets; ``ids[start - 1]`` is the token that predicts the first of them.
    """

    ids: list[int]
    start: int


@dataclass(frozen=True)
class Batch:
    """Rows that continue one prefix (which may be empty)."""

    prefix: list[int]
    rows: list[Row]
