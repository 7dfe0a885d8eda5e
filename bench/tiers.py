"""The tier switch in a simulation driven by recorded service times: `python -m bench.tiers`.

What decides is the gateway's own code (`routing.tiers` with its admission, gauges and switch, at its defaults), in
an event loop whose clock is virtual (`bench.virtual_time`). What answers are engines made of the service
times that `bench.tiers_live record` measured on real ones (`bench.tier_engines`), the load is bursty and has
two priorities (`bench.tier_load`). The same seeds give the same figures, on any machine.

--write puts the table into docs/tiers.md and the plot into docs/tiers.svg.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from mistral_common.protocol.instruct.messages import UserMessage

from bench.tier_engines import Recorded, SimulatedEngine
from bench.tier_load import Answered, Course, Request, bursts, change, table
from bench.tier_page import PAGE, put
from bench.tier_plot import plot
from bench.virtual_time import run
from routing.backend import Completion, ModelBackend, Turn
from routing.gauge import Gauge, LoadWatch
from routing.tiers import Tier, Tiered

TIMES = Path(__file__).with_name("tiers_times.json")
PLOT = PAGE.with_name("tiers.svg")
Way = Literal["one tier, first come", "one tier, priorities", "two tiers"]
WAYS: tuple[Way, ...] = ("one tier, first come", "one tier, priorities", "two tiers")
_PERIOD_S = 60.0
_LOADS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


async def course(
    way: Way, recorded: Sequence[Recorded], load: Sequence[Request], slowness: float = 1.0
) -> Course:
    """One load, one way. `slowness` divides the overflow tier's speed."""
    loop = asyncio.get_running_loop()
    first = SimulatedEngine("gpu", recorded[0])
    overflow = SimulatedEngine("cpu", recorded[1], slowness)
    backend: ModelBackend = first
    gauges = list[Gauge]()
    if way == "two tiers":
        gauges.append(Gauge("gpu", first.metrics))
        slots = overflow.recorded.places
        backend = Tiered(
            Tier("gpu", first, first.recorded.places, gauges=gauges),
            Tier("cpu", overflow, slots, most_waiting=slots),
        )
    answered = list[Answered]()

    async def one(request: Request) -> None:
        await asyncio.sleep(request.at - loop.time())
        priority = "normal" if way == "one tier, first come" else request.priority
        turn = Turn([UserMessage(content=str(request.size))], priority=priority)
        async for item in backend.stream(turn):
            if isinstance(item, Completion):
                tier = item.served.tier if item.served else "gpu"
                answered.append(Answered(request.priority, loop.time() - request.at, tier))

    async with LoadWatch(gauges, 1.0):
        await asyncio.gather(*map(one, load))
    lasted = loop.time()
    busy = [each.busy_s / lasted / each.recorded.places for each in (first, overflow)]
    return Course(tuple(answered), (busy[0], busy[1]))


def courses(
    recorded: Sequence[Recorded], load: float, args: argparse.Namespace, slowness: float = 1.0
) -> dict[str, list[Course]]:
    """Every way over the same loads, one for each seed. `load` is a share of what the first tier can do."""
    rate = load * recorded[0].capacity
    loads = [bursts(rate, args.minutes * 60, seed, _PERIOD_S) for seed in range(args.seeds)]
    ask = partial(course, recorded=recorded, slowness=slowness)
    return {way: [run(ask(way, load=each)) for each in loads] for way in WAYS}


def told(recorded: Sequence[Recorded], args: argparse.Namespace) -> list[str]:
    """The tables."""
    vllm, llama = recorded
    equal = courses(recorded, args.load, args)
    slowness = llama.capacity / (vllm.capacity / args.slower)
    slower = courses(recorded, args.load, args, slowness)
    return [
        (
            f"{args.seeds} loads of {args.minutes:g} minutes each, {args.load:.0%} of what the first tier can do in "
            f"the mean ({args.load * vllm.capacity:.1f} requests a second; 2.2 times that in bursts), 60 % of the "
            "requests low. Times in seconds, means over the loads."
        ),
        "",
        f"Service times as recorded ({_speeds(recorded)}):",
        "",
        *table(equal),
        "",
        _change(equal),
        "",
        (
            f"The overflow tier slowed down to one {args.slower:g}th of the first one's capacity, as processors beside a "
            "GPU are:"
        ),
        "",
        *table(slower),
        "",
        _change(slower),
    ]


def _speeds(recorded: Sequence[Recorded]) -> str:
    parts = [
        f"{each.engine} {each.capacity:.1f} turns a second, {each.places} at once"
        for each in recorded
    ]
    return "; ".join(parts)


def _change(found: dict[str, list[Course]]) -> str:
    busier, quicker = change(found["one tier, priorities"], found["two tiers"])
    return (
        f"Two tiers against one with priorities (least and most of the loads): utilisation of both tiers {busier}, "
        f"mean response time {quicker}. Published elsewhere: +35 % and −22 %."
    )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--times", type=Path, default=TIMES)
    parser.add_argument("--load", type=float, default=0.8)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--slower", type=float, default=8)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    recorded = [Recorded.read(each) for each in json.loads(args.times.read_text())]
    lines = told(recorded, args)
    print("\n".join(lines))
    if args.write:
        slowness = recorded[1].capacity / (recorded[0].capacity / args.slower)
        points = {load: courses(recorded, load, args, slowness) for load in _LOADS}
        PLOT.write_text(plot(points), encoding="utf-8")
        put("simulation", lines)


if __name__ == "__main__":
    main()
