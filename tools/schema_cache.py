"""A small cache of accepted client tools, by content, so that repeated requests compile nothing.

What it is: least recently used, bounded by the bytes of the definitions it holds, safe between threads.
What it is not: a registry. A definition that is refused is not kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import orjson

from tools.spec import ToolSpec

Made = TypeVar("Made")


class SchemaCache(Generic[Made]):
    """`max_bytes` bounds the sum of the definitions' JSON; one above an eighth of it is not kept."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[Hashable, tuple[int, Made]] = OrderedDict()
        self._lock = threading.Lock()

    def get_or_make(self, key: Hashable, spec: ToolSpec, make: Callable[[], Made]) -> Made:
        """What was made for an equal definition, or what `make` gives now.

        `key` is what tells definitions apart besides `parameters` and `returns`.
        """
        try:
            content = orjson.dumps([dict(spec.parameters), spec.returns and dict(spec.returns)])
        except orjson.JSONEncodeError:
            return make()
        full = (key, content)
        with self._lock:
            if (kept := self._kept.get(full)) is not None:
                self._kept.move_to_end(full)
                return kept[1]
        made = make()
        if len(content) <= self._max_bytes // 8:
            self._keep(full, len(content), made)
        return made

    def _keep(self, full: Hashable, size: int, made: Made) -> None:
        with self._lock:
            if full in self._kept:
                return
            self._kept[full] = (size, made)
            self._bytes += size
            while self._bytes > self._max_bytes:
                _, (dropped, _) = self._kept.popitem(last=False)
                self._bytes -= dropped
