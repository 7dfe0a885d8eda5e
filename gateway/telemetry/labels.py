"""Label values of which there are only so many, whatever models and clients send.

A series is kept for as long as a process lives, so a label never takes a value that someone outside
made up: names come from the registry or from the configuration, and the rest is `other`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

OTHER = "other"


class Bounded:
    """Names that are known, the first `most` of them; every further one is `other`.

    `known` is asked once for a name that is not yet in the table, and again for one that was refused,
    since tools may be registered later. Names stay when a tool is removed: its series do too.
    """

    def __init__(self, known: Callable[[str], bool], most: int) -> None:
        self._known = known
        self._most = most
        self._names: set[str] = set()

    def __call__(self, name: str) -> str:
        """`name`, or `other`."""
        if name in self._names:
            return name
        if len(self._names) < self._most and self._known(name):
            self._names.add(name)
            return name
        return OTHER


def one_of(values: Collection[str]) -> Callable[[str], str]:
    """Lets the given values pass; every further one is `other`."""
    allowed = frozenset(values)
    return lambda value: value if value in allowed else OTHER
