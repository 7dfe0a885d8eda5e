"""Running the calls of a turn, as their effects allow.

Reads that stand side by side run in parallel; a write waits for what stands before it and runs alone.
Results come back in the order of the calls. Nothing raises: a failing tool is a result. When the
waiting is cancelled (the client left, the deadline passed), reads are cut and a write that was begun
is brought to its end. How a write is run, and that it happens once: `gateway.agent.writes`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from itertools import groupby

import orjson

from gateway.agent.writes import Writes
from tools.executor import CallContext
from tools.spec import Effect, Failure, ToolResult, ValidCall
from tools.toolset import Toolset

log = logging.getLogger("gateway.agent")

Begun = dict[str, asyncio.Task[ToolResult]]

_GRACE_S = 0.02
"""For a tool that is cut to let go of what it holds; nobody waits longer for it."""


async def observe(
    calls: Sequence[ValidCall],
    toolset: Toolset,
    context: CallContext,
    writes: Writes,
    begun: Begun | None = None,
    *,
    durable: bool = False,
) -> list[ToolResult]:
    """Run `calls`; `context.deadline` bounds the waiting. One result a call, in order.

    `begun` are reads that run already, by the ids of their calls; what is used is taken out. Of a `durable`
    run the writes may raise (`Writes.run`).
    """
    results: list[ToolResult] = []
    for is_read, group in groupby(calls, key=lambda call: call.tool.effect is Effect.READ):
        if is_read:
            results += await _reads(list(group), toolset, context, writes, begun or {})
        else:
            for call in group:
                own = context.of_call(call)
                results.append(await writes.run(call, toolset, own, durable=durable))
    return results


async def _reads(
    calls: list[ValidCall],
    toolset: Toolset,
    context: CallContext,
    writes: Writes,
    begun: Begun,
) -> list[ToolResult]:
    """Side by side, in tasks of their own: a tool that takes no notice of being cut is left behind."""
    late = "The tool did not answer within the run's deadline."
    left_s = None
    if context.deadline is not None:
        left_s = context.deadline - asyncio.get_running_loop().time()
        if left_s <= 0:
            return [_late(call, Failure.TIMEOUT, late) for call in calls]
    tasks = [
        begun.pop(call.id, None) or writes.begin(toolset.execute(call, context.of_call(call)))
        for call in calls
    ]
    try:
        done, _ = await asyncio.wait(tasks, timeout=left_s)
    finally:
        if running := {task for task in tasks if not task.done()}:
            await cut(running, context.run_id)
    return [
        task.result() if task in done else _late(call, Failure.TIMEOUT, late)
        for call, task in zip(calls, tasks, strict=True)
    ]


async def cut(tasks: set[asyncio.Task[ToolResult]], run_id: str) -> None:
    """Cancel reads, and wait for them no longer than they may take to let go."""
    for task in tasks:
        task.cancel()
    _, deaf = await asyncio.wait(tasks, timeout=_GRACE_S)
    if deaf:
        log.warning("%d tools go on although they were cut (run %s)", len(deaf), run_id)


def _late(call: ValidCall, failure: Failure, text: str) -> ToolResult:
    return ToolResult(call.id, call.name, orjson.dumps({"error": text}).decode(), failure)
