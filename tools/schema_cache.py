"""A small cache of what client tools came to, by content, so that repeated requests compile nothing.

What it is: least recently used, bounded by the bytes of the definitions it holds, safe between threads.
What it is not: a registry. A definition that is refused is not kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import orjson

from tools.spec import ToolSpec

Made = TypeVar("Made")


class SchemaCache(Generic[Made]):
    """`max_bytes` bounds the sum of the definitions' JSON; what is above an eighth of it is not kept."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[bytes, Made] = OrderedDict()
        self._lock = threading.Lock()

    def get_or_make(self, specs: Sequence[ToolSpec], make: Callable[[], Made]) -> Made:
        """What was made for equal definitions in this order, or what `make` gives now."""
        try:
            content = orjson.dumps([_told(spec) for spec in specs])
        except orjson.JSONEncodeError:
            return make()
        with self._lock:
            if (kept := self._kept.get(content)) is not None:
                self._kept.move_to_end(content)
                return kept
        made = make()
        if len(content) <= self._max_bytes // 8:
            self._keep(content, made)
        return made

    def _keep(self, content: bytes, made: Made) -> None:
        with self._lock:
            if content in self._kept:
                return
            self._kept[content] = made
            self._bytes += len(content)
            while self._bytes > self._max_bytes:
                dropped, _ = self._kept.popitem(last=False)
                self._bytes -= len(dropped)


def _told(spec: ToolSpec) -> tuple[object, ...]:
    """All that tells definitions of clients apart."""
    hints = spec.annotations
    return (
        spec.name,
        spec.description,
        dict(spec.parameters),
        spec.returns and dict(spec.returns),
        spec.timeout_s,
        hints.read_only,
        hints.idempotent,
        hints.destructive,
        hints.open_world,
    )
