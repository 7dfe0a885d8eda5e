"""Running the calls of a turn, as their effects allow.

Reads that stand side by side run in parallel; a write waits for what stands before it and runs alone.
Results come back in the order of the calls. Nothing raises: a failing tool is a result. When the
waiting is cancelled (the client left, the deadline passed), reads are cut and a write that was begun
is brought to its end. How a write is run, and that it happens once: `gateway.agent.writes`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import orjson

from gateway.agent.writes import Writes
from tools.executor import CallContext
from tools.spec import Effect, Failure, ToolResult, ValidCall
from tools.toolset import Toolset


async def observe(
    calls: Sequence[ValidCall], toolset: Toolset, context: CallContext, writes: Writes
) -> list[ToolResult]:
    """Run `calls`; `context.deadline` bounds the waiting. One result a call, in order."""
    results: list[ToolResult] = []
    for is_read, group in groupby(calls, key=lambda call: call.tool.effect is Effect.READ):
        if is_read:
            results += await _reads(list(group), toolset, context)
        else:
            for call in group:
                results.append(await writes.run(call, toolset, _for(call, context)))
    return results


async def _reads(
    calls: list[ValidCall], toolset: Toolset, context: CallContext
) -> list[ToolResult]:
    if len(calls) == 1:
        return [await _read(calls[0], toolset, context)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_read(call, toolset, context)) for call in calls]
    return [task.result() for task in tasks]


async def _read(call: ValidCall, toolset: Toolset, context: CallContext) -> ToolResult:
    try:
        async with asyncio.timeout_at(context.deadline):
            return await toolset.execute(call, _for(call, context))
    except TimeoutError:
        return _late(call, Failure.TIMEOUT, "The tool did not answer within the run's deadline.")


def _for(call: ValidCall, context: CallContext) -> CallContext:
    return replace(context, idempotency_key=f"{context.idempotency_key}:{call.id}")


def _late(call: ValidCall, failure: Failure, text: str) -> ToolResult:
    return ToolResult(call.id, call.name, orjson.dumps({"error": text}).decode(), failure)
