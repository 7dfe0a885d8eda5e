"""Several engines with the same model as one backend: each turn goes to the one with the least to do.

What it is: a choice for each turn. The turns of one conversation stay with one engine, whose cache holds
its beginning, unless that one has clearly more to do. A turn that an engine did not begin to answer goes
to the next. An engine that fails again and again is left out for a time, then tried with a single turn.
What it is not: a second model when the first one can't decide (`routing.router`).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import count
from typing import cast

from mistral_common.protocol.instruct.messages import UserMessage

from routing.backend import (
    ModelBackend,
    StreamItem,
    TokenCount,
    Turn,
)
from routing.errors import BackendError, BackendTimeout, BackendUnavailable
from routing.gauge import Gauge
from routing.together import Together

_FAILURES = 3
"""In a row, after which an engine is left out."""
_OUT_S = 5.0
_LONGEST_OUT_S = 60.0
"""For so long at first, and twice as long each time, up to a minute."""
_WORTH = 2
"""Turns that an engine may have more than the idlest one, for the sake of its cache."""
_REMEMBERED = 4096
"""Conversations whose engine is known."""


@dataclass(slots=True, eq=False)
class _Engine:
    """An engine of the pool. `out_until` is a reading of the event loop's clock."""

    backend: ModelBackend
    gauge: Gauge | None = None
    in_flight: int = 0
    failures: int = 0
    out_until: float = 0.0
    last_used: int = 0

    @property
    def load(self) -> int:
        """Turns that it has: this gateway's, and those of others as far as it told of them lately."""
        told = self.gauge.load() if self.gauge else None
        return self.in_flight + (told.elsewhere if told else 0)

    def is_in(self, now: float) -> bool:
        """Whether it may be asked: one that was left out gets a single turn at first."""
        return self.failures < _FAILURES or (now >= self.out_until and not self.in_flight)

    def failed(self, now: float) -> None:
        self.failures += 1
        times_out = max(self.failures - _FAILURES, 0)
        self.out_until = now + min(_OUT_S * 2**times_out, _LONGEST_OUT_S)


class Pool(Together):
    """Takes its name and model from the first of `backends`, of which it has to have one at least.

    `clock` gives seconds; that of the event loop unless a test says otherwise. `gauges` are those of the
    engines, one for each, where what others ask of them is to count.
    """

    def __init__(
        self,
        backends: Sequence[ModelBackend],
        clock: Callable[[], float] | None = None,
        gauges: Sequence[Gauge] = (),
    ) -> None:
        super().__init__(backends)
        self._engines = [_Engine(backend) for backend in backends]
        for engine, gauge in zip(self._engines, gauges, strict=False):
            engine.gauge, gauge.own = gauge, partial(getattr, engine, "in_flight")
        self._clock = clock
        self._turns = count(1)
        self._homes: OrderedDict[bytes, _Engine] = OrderedDict()

    @property
    def in_flight(self) -> tuple[int, ...]:
        """The turns of each engine that run now."""
        return tuple(each.in_flight for each in self._engines)

    async def stream(self, turn: Turn) -> AsyncGenerator[StreamItem, None]:
        """The answer of the engine that is chosen, or of the next while nothing was said."""
        beginning, tried = _beginning(turn), set[_Engine]()
        while True:
            engine = self._choose(beginning, tried)
            tried.add(engine)
            begun = False
            try:
                async with aclosing(self._asked(engine, turn)) as answer:
                    async for item in answer:
                        begun = True
                        yield item
            except BackendUnavailable:
                if begun or len(tried) == len(self._engines):
                    raise
            else:
                return

    async def count_tokens(self, turn: Turn) -> TokenCount:
        """The first engine's: all have the same tokenizer."""
        return await self._backends[0].count_tokens(turn)

    async def ready(self) -> bool:
        """Whether any engine would answer."""
        return any(await asyncio.gather(*(each.backend.ready() for each in self._engines)))

    async def aclose(self) -> None:
        """Close every engine."""
        for each in self._engines:
            await each.backend.aclose()

    async def _asked(self, engine: _Engine, turn: Turn) -> AsyncGenerator[StreamItem, None]:
        engine.in_flight += 1
        engine.last_used = next(self._turns)
        stream = cast("AsyncGenerator[StreamItem, None]", engine.backend.stream(turn))
        try:
            async with aclosing(stream):
                async for item in stream:
                    engine.failures = 0
                    yield item
        except (BackendUnavailable, BackendTimeout):
            engine.failed(self._now())
            raise
        except BackendError:  # the request is at fault, or the answer: the engine is there
            engine.failures = 0
            raise
        finally:
            engine.in_flight -= 1

    def _choose(self, beginning: bytes, tried: set[_Engine]) -> _Engine:
        left = [each for each in self._engines if each not in tried]
        now = self._now()
        ready = [each for each in left if each.is_in(now)]
        if not ready:  # all are left out: the one that comes back first
            return min(left, key=lambda each: each.out_until)
        idlest = min(ready, key=lambda each: (each.load, each.last_used))
        home = self._homes.pop(beginning, None)
        chosen = idlest
        if home in ready and home.load <= idlest.load + _WORTH:
            chosen = home
        self._homes[beginning] = chosen
        if len(self._homes) > _REMEMBERED:
            self._homes.popitem(last=False)
        return chosen

    def _now(self) -> float:
        return self._clock() if self._clock else asyncio.get_running_loop().time()


def _beginning(turn: Turn) -> bytes:
    """What the turns of one conversation have in common: all up to its first user message."""
    digest = blake2b(digest_size=16)
    for message in turn.messages:
        digest.update(message.model_dump_json().encode("utf-8", "surrogatepass"))
        if isinstance(message, UserMessage):
            break
    return digest.digest()
