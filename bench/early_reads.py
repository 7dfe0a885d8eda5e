"""What it gains that reads begin while the model still writes: the same turns with and without, on one clock.

    python -m bench.early_reads

A scripted model writes each call for a while (30 tokens at 100 tokens/s), tools take as long as they are told,
and the loop is the gateway's own. Printed is the time from the request to the first turn's last result, the
median of five. No engine and no network: what differs is only when a tool begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import Observation
from gateway.agent.loop import AgentLoop
from gateway.agent.run import RunRequest
from routing.backend import Turn
from routing.backends.scripted import Call, Say, ScriptedBackend
from routing.router import Member, Router
from tools.bounds import UpstreamBounds
from tools.executor import CallContext, Executor
from tools.registry import Registry
from tools.spec import Annotations, ToolSpec, ValidCall
from tools.wrappers import Limited, Upstream

WRITING_S = 0.3
REPEATS = 5


class Scene(NamedTuple):
    """`calls` as (tool, seconds that it takes); `at_once` bounds the upstream's calls."""

    name: str
    calls: Sequence[tuple[str, float]]
    at_once: int | None = None


SCENES = (
    Scene("one read of 0.5 s", [("read", 0.5)]),
    Scene("four reads of 0.5 s", [("read", 0.5)] * 4),
    Scene("a read of 1.5 s, three of 0.2 s", [("read", 1.5), *[("read", 0.2)] * 3]),
    Scene("a read of 1.5 s, then a write of 0.2 s", [("read", 1.5), ("write", 0.2)]),
    Scene("four reads of 0.5 s, the upstream takes one at a time", [("read", 0.5)] * 4, 1),
    Scene("a write of 0.2 s, then a read of 0.5 s", [("write", 0.2), ("read", 0.5)]),
)


class Sleeper:
    """A tool that takes as long as its argument says."""

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """Nothing but time."""
        del context
        await asyncio.sleep(call.arguments["seconds"])
        return "done"


def slowly(calls: Sequence[Call]) -> Callable[[Turn], Say]:
    """A turn that takes its time to write each call."""

    def say(turn: Turn) -> Say:
        del turn
        written = {at: asyncio.Event() for at in range(len(calls))}
        for at, event in written.items():
            asyncio.get_running_loop().call_later(WRITING_S * (at + 1), event.set)
        return Say(calls=calls, holds=written)

    return say


def loop_of(scene: Scene, *, early: bool) -> AgentLoop:
    """A gateway's loop with two tools, and a model that plays the scene."""
    registry = Registry()
    executor: Executor = Sleeper()
    if scene.at_once is not None:
        executor = Limited(
            executor, Upstream("upstream", UpstreamBounds(max_concurrent=scene.at_once))
        )
    numbers = {name: {"type": "number"} for name in ("seconds", "n")}
    for name in ("read", "write"):
        schema = {"type": "object", "properties": numbers}
        hints = Annotations(read_only=name == "read")
        registry.register(ToolSpec(name, f"The tool {name}.", schema, annotations=hints), executor)
    calls = [Call(tool, {"seconds": s, "n": n}) for n, (tool, s) in enumerate(scene.calls)]
    model = ScriptedBackend([slowly(calls), "Done."])
    return AgentLoop(Router(Member(model)), registry, early_reads=early)


async def seconds(scene: Scene, *, early: bool) -> float:
    """From the request to the last result."""
    clock = asyncio.get_running_loop().time
    began = last = clock()
    async for event in loop_of(scene, early=early).run(RunRequest((UserMessage(content="Go."),))):
        if isinstance(event, Observation):
            last = clock()
    return last - began


async def main() -> None:
    """Print the table."""
    print(f"| the model's turn, {WRITING_S:g} s to write each call | after it | early | saved |")
    print("| --- | --- | --- | --- |")
    for scene in SCENES:
        off = median([await seconds(scene, early=False) for _ in range(REPEATS)])
        on = median([await seconds(scene, early=True) for _ in range(REPEATS)])
        print(f"| {scene.name} | {off:.2f} s | {on:.2f} s | {(off - on) / off:.0%} |")


if __name__ == "__main__":
    asyncio.run(main())
