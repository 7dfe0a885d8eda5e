"""Threads for tools that block."""

from __future__ import annotations

import asyncio
import threading

from tools.executors.threads import ToolThreads


async def test_calls_made_at_once_run_at_once_also_on_threads_that_were_used_before() -> None:
    threads = ToolThreads(limit=8)
    for parties in (2, 4, 8, 8):
        together = threading.Barrier(parties)
        async with asyncio.timeout(10):
            await asyncio.gather(*(threads.run(together.wait) for _ in range(parties)))


async def test_beyond_the_limit_calls_wait_in_order() -> None:
    threads = ToolThreads(limit=1)
    seen: list[int] = []
    await asyncio.gather(*(threads.run(lambda n=n: seen.append(n)) for n in range(20)))
    assert seen == list(range(20))
