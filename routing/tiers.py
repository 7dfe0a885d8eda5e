"""Two tiers of engines for one role as one backend: the first, and one that takes over what can wait.

    gpu: vLLM, some replicas     what can't wait, always; what can, while there is room
    cpu: llama.cpp, …            what can wait, while the first is full

What it is: for each turn a tier (`routing.switch` decides), a place in it (`routing.admission`), the other
tier where nobody answers. What it is not: a second model when the first can't decide (`routing.router`), or
a choice between engines of a tier (`routing.pool`).

A turn of the middle of a tool loop is known by the ids of the calls whose results it brings.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import cast

from mistral_common.protocol.instruct.messages import ChatMessage, ToolMessage, UserMessage

from routing.admission import Admission
from routing.backend import (
    Completion,
    ModelBackend,
    Served,
    StreamItem,
    TokenCount,
    Turn,
)
from routing.errors import BackendUnavailable
from routing.gauge import Gauge
from routing.switch import Load, Standing, Thresholds, Why, choose, next_standing
from routing.together import Together

log = logging.getLogger("routing.tiers")

_REMEMBERED = 8192
"""Calls whose tier is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Tier:
    """A backend, how many turns it takes at once, and how many may then wait for it.

    `gauges` are those of its engines, where these tell their load. `most_waiting` is for the overflow tier:
    where so many wait, it takes no more. None: any number.
    """

    name: str
    backend: ModelBackend
    turns: int | None = None
    most_waiting: int | None = None
    gauges: Sequence[Gauge] = ()
    admission: Admission = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "admission", Admission(self.turns, self.backend.name))

    def load(self, now: float) -> Load:
        """What is known of it: the mean of its engines, and what waits here."""
        told = [load for gauge in self.gauges if (load := gauge.load()) is not None]
        caches = [each.kv_cache for each in told if each.kv_cache is not None]
        queues = [each.queue_s for each in told if each.queue_s is not None]
        here = self.admission
        waited_s = here.longest_wait_s(now)
        return Load(
            kv_cache=sum(caches) / len(caches) if caches else None,
            queue_s=max(waited_s, sum(queues) / len(queues) if queues else 0.0)
            if queues or waited_s
            else None,
            turns=(here.running + here.waiting) / self.turns if self.turns else None,
        )

    @property
    def is_full(self) -> bool:
        """Whether it takes no more that can wait."""
        here = self.admission
        if self.turns is None or self.most_waiting is None:
            return False
        return here.running + here.waiting >= self.turns + self.most_waiting


@dataclass(frozen=True, slots=True)
class Sight:
    """A tier as it stands, for those who watch."""

    tier: str
    load: Load
    full: bool
    running: int
    waiting: int


class Tiered(Together):
    """Takes its name, model and tokenizer from `first`. `clock` is that of the event loop unless a test says otherwise."""

    def __init__(
        self,
        first: Tier,
        overflow: Tier,
        thresholds: Thresholds | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__((first.backend, overflow.backend))
        self._tiers = (first, overflow)
        self._thresholds = thresholds or Thresholds()
        self._clock = clock
        self._standing = Standing()
        self._loops: OrderedDict[str, Tier] = OrderedDict()

    @property
    def gauges(self) -> tuple[Gauge, ...]:
        """Those of all engines that tell their load."""
        return tuple(gauge for tier in self._tiers for gauge in tier.gauges)

    @property
    def models(self) -> tuple[str, ...]:
        """The names that the tiers' models go by."""
        return tuple(tier.backend.model for tier in self._tiers)

    def look(self) -> tuple[Sight, ...]:
        """Both tiers as they stand now; on the way it is decided whether the first one is full."""
        now = self._now()
        return tuple(
            Sight(
                tier.name,
                tier.load(now),
                tier.is_full if n else self._stands(now).full,
                tier.admission.running,
                tier.admission.waiting,
            )
            for n, tier in enumerate(self._tiers)
        )

    async def stream(self, turn: Turn) -> AsyncGenerator[StreamItem, None]:
        """The answer of the tier that is chosen, or of the other while nothing was said."""
        first, overflow = self._tiers
        loop = self._loop_of(turn.messages)
        choice = choose(
            turn.priority,
            full=self._stands(self._now()).full,
            began_in_overflow=None if loop is None else loop is overflow,
            overflow_full=overflow.is_full,
        )
        tier, other = (overflow, first) if choice.overflow else (first, overflow)
        begun = False
        try:
            async with aclosing(self._asked(tier, choice.why, turn)) as answer:
                async for item in answer:
                    begun = True
                    yield item
        except BackendUnavailable as error:
            if begun:
                raise
            log.warning("tier %s: %s", tier.name, error)
        else:
            return
        async with aclosing(self._asked(other, "unavailable", turn)) as answer:
            async for item in answer:
                yield item

    async def count_tokens(self, turn: Turn) -> TokenCount:
        """The first tier's: both have the same model."""
        return await self._tiers[0].backend.count_tokens(turn)

    async def ready(self) -> bool:
        """Whether any tier would answer."""
        return any(await self.ready_by_tier())

    async def ready_by_tier(self) -> tuple[bool, bool]:
        """Whether the first tier would answer, and whether the overflow tier would."""
        first, overflow = self._tiers
        return await asyncio.gather(first.backend.ready(), overflow.backend.ready())

    async def aclose(self) -> None:
        """Close both."""
        for each in self._tiers:
            await each.backend.aclose()

    async def _asked(self, tier: Tier, why: Why, turn: Turn) -> AsyncGenerator[StreamItem, None]:
        async with tier.admission.place(turn.priority, turn.deadline):
            stream = cast("AsyncGenerator[StreamItem, None]", tier.backend.stream(turn))
            async with aclosing(stream):
                async for item in stream:
                    if isinstance(item, Completion):
                        self._remember(item, tier)
                        yield replace(item, served=Served(tier.name, why, tier.backend.model))
                    else:
                        yield item

    def _stands(self, now: float) -> Standing:
        first, overflow = self._tiers
        before = self._standing
        self._standing = next_standing(before, first.load(now), now, self._thresholds)
        if self._standing.full and not before.full:
            told = "tier %s is full (%s): what can wait goes to %s"
            log.info(told, first.name, self._standing.shown_by, overflow.name)
        elif before.full and not self._standing.full:
            log.info("tier %s has room again", first.name)
        return self._standing

    def _remember(self, completion: Completion, tier: Tier) -> None:
        for call in completion.calls:
            self._loops[call.id] = tier
        while len(self._loops) > _REMEMBERED:
            self._loops.popitem(last=False)

    def _loop_of(self, messages: Sequence[ChatMessage]) -> Tier | None:
        """Where the tool loop that `messages` end in began; None outside of one."""
        for message in reversed(messages):
            if isinstance(message, UserMessage):
                return None
            if isinstance(message, ToolMessage) and message.tool_call_id in self._loops:
                return self._loops[message.tool_call_id]
        return None

    def _now(self) -> float:
        return self._clock() if self._clock else asyncio.get_running_loop().time()
