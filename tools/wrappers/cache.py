"""Results of reads, kept for a while.

What it is: what a read-only tool returned is given again to the same tenant for the same arguments, for as
many seconds as the tool's `cache_s` says. Arguments are the same when their canonical JSON is.
What it is not: shared between processes, or between two tools. Failures are never kept. Nor are files: they
belong to one run, and what is given again may go to another.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tools.answer import Answer
from tools.executor import CallContext, Executor
from tools.spec import ValidCall

MAX_ENTRIES = 200
_LONGEST = 25_000
"""In characters: what is longer is fetched again."""


class Cache:
    """The latest results of one tool, at most `max_entries`; the least recently used go first."""

    def __init__(
        self,
        inner: Executor,
        age_s: float,
        *,
        max_entries: int = MAX_ENTRIES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._age_s = age_s
        self._max_entries = max_entries
        self._clock = clock
        self._kept: OrderedDict[tuple[str, int | None, str], tuple[float, Answer]] = OrderedDict()

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """What was kept, with no attempts, or what the executor gives now."""
        key = (context.tenant, context.keeps, canonical(call.arguments))
        if (kept := self._kept.get(key)) is not None:
            until, answer = kept
            if self._clock() < until:
                self._kept.move_to_end(key)
                return Answer(answer.value, 0, answer.truncated_from)
            del self._kept[key]
        answer = Answer.of(await self._inner.execute(call, replace(context, keep=None)))
        if isinstance(answer.value, str) and len(answer.value) > _LONGEST:
            return answer
        self._kept[key] = (self._clock() + self._age_s, answer)
        self._kept.move_to_end(key)
        while len(self._kept) > self._max_entries:
            self._kept.popitem(last=False)
        return answer


def canonical(arguments: Any) -> str:
    """The same text for the same JSON, whatever the order of its keys."""
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
