"""BFCL's truth through the whole gateway, and what becomes of answers that were spoilt.

    python -m bench.bfcl_mechanics                     the half of the ids that may be looked at (even sha256)
    python -m bench.bfcl_mechanics --half held-out     the other half: for reporting alone
    python -m bench.bfcl_mechanics --limit 20          a try: so many rows of each set

This measures a mechanism and no model. A row is a request over REST with its function documents as the app's
tools; the gateway asks a stub over HTTP, judges what it says, and hands calls back. Judged by
`bench.bfcl_judge`. First every answer is right: then nothing may be lost on the way. Then answers are spoilt
(`bench.bfcl_noise`) as often as Ministral-8B's published profile says. Everything follows from the ids.

Without an expert, and with an oracle for one; the small model asked again says the same ("stubborn"), or what is right in half of
the rows ("mends half"): how often a real one does, is a model's property that nothing here can tell.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from bench import bfcl
from bench.bfcl_judge import Truth, is_right, strays
from bench.bfcl_noise import PROFILE, Row, group, kinds, spoilt, written
from bench.bfcl_stub import Scripted, Stub, serving
from gateway.agent.loop import AgentLoop
from gateway.app import create_app
from gateway.services import Services
from routing.backends.vllm import VllmBackend
from routing.router import Member, Price, Router
from routing.unconstrained import Unconstrained
from tools.naming import tool_name
from tools.registry import Registry

CATEGORIES = (*bfcl.PYTHON, "irrelevance", "live_irrelevance")
"""All sets with a truth that can be replayed; `live_relevance` has none."""
_AT_ONCE = 4
_MOST_RETURNS = 6
_DONE = '{"ok": true}'
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Case:
    """A row as it is asked."""

    asked: bfcl.Asked
    row: Row
    tools: list[dict[str, Any]]
    truth: tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a row. `fault` is the kind of what the model said first, empty when it was right.

    `raw` tells whether that was right as it stood; `right`, whether the app was handed exactly the right calls,
    `wrong_call`, whether one among them was not. `lent` counts the oracle's turns.
    """

    case: Case
    fault: str
    raw: bool
    right: bool
    wrong_call: bool
    lent: int


def cases(half: str, limit: int | None = None) -> list[Case]:
    """The rows of a half, of each set the first `limit`."""
    found: list[Case] = []
    seen: Counter[str] = Counter()
    for asked in bfcl.requests(CATEGORIES):
        if asked.for_tuning is (half == "tuning") and seen[asked.category] != limit:
            seen[asked.category] += 1
            found.append(_case(asked))
    return found


def _case(asked: bfcl.Asked) -> Case:
    specs = {document["name"]: bfcl.spec(document) for document in asked.documents}
    right = tuple(
        (specs[name].name, bfcl.arguments(accepted, specs[name].parameters))
        for name, accepted in asked.truth
    )
    schemas = {spec.name: dict(spec.parameters) for spec in specs.values()}
    tools = [
        {
            "type": "function",
            "function": {
                "name": spec.name,
                "description": spec.description,
                "parameters": spec.parameters,
            },
        }
        for spec in {each.name: each for each in specs.values()}.values()
    ]
    truth = tuple((tool_name(name), accepted) for name, accepted in asked.truth)
    return Case(asked, Row(asked.id, schemas, right), tools, truth)


def script(case: Case, *, noise: bool, mends: float) -> tuple[str, Scripted]:
    """What the models will say, and the kind of fault in it."""
    right = written(case.row)
    fault, first = "", right
    if noise:
        fault, first = spoilt(case.row, PROFILE[group(case.asked.category)])
    dice = hashlib.sha256(f"mends {case.asked.id}".encode()).digest()[0] / 256
    return fault, Scripted(first, right if dice < mends else first, right)


async def play(
    rows: Sequence[Case], *, noise: bool = False, expert: bool = False, mends: float = 0.0
) -> list[Came]:
    """Every row through a gateway, in order."""
    scripts = [script(case, noise=noise, mends=mends) for case in rows]
    async with serving({at: each for at, (_, each) in enumerate(scripts)}) as stub:
        services = _services(stub, expert=expert)
        app = create_app(services)
        app.state.services = services
        at_once = asyncio.Semaphore(_AT_ONCE)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:

            async def one(at: int) -> Came:
                async with at_once:
                    return await _ask(client, stub, rows[at], at, scripts[at][0])

            came = await asyncio.gather(*map(one, range(len(rows))))
        await services.aclose()
    return came


def _services(stub: Stub, *, expert: bool) -> Services:
    small = Unconstrained(VllmBackend("small", "small", stub.url, context_tokens=131_072))
    large = Unconstrained(VllmBackend("large", "large", stub.large_url, context_tokens=131_072))
    members = {"intermediary": Member(small, Price(0.15, 0.15))}
    if expert:
        members["expert"] = Member(large, Price(0.5, 1.5))
    registry = Registry()
    loop = AgentLoop(Router(members["intermediary"], members.get("expert")), registry)
    models = {role: each.backend for role, each in members.items()}
    return Services(loop=loop, registry=registry, models=models, closers=(loop.aclose,))


async def _ask(client: httpx.AsyncClient, stub: Stub, case: Case, at: int, fault: str) -> Came:
    """The whole conversation: the app runs what it is handed, and comes back with the results."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": t} for t in case.asked.texts]
    body = {"model": "gateway", "messages": messages, "tools": case.tools, "seed": at}
    handed: list[tuple[str, str]] = []
    for _ in range(_MOST_RETURNS):
        answer = await client.post("/v1/chat/completions", json=body, timeout=300)
        if answer.status_code != 200:
            raise RuntimeError(f"{case.asked.id}: {answer.text[:500]}")
        message: dict[str, Any] = answer.json()["choices"][0]["message"]
        calls: list[dict[str, Any]] = message.get("tool_calls") or []
        if not calls:
            break
        handed += [(c["function"]["name"], c["function"]["arguments"]) for c in calls]
        messages.append(message)
        messages += [{"role": "tool", "tool_call_id": c["id"], "content": _DONE} for c in calls]
    said = [(each.name, each.arguments) for each in stub.scripts[at].first]
    made = _read(handed)
    return Came(
        case,
        fault,
        raw=is_right(_read(said), case.truth),
        right=is_right(made, case.truth),
        wrong_call=strays(made, case.truth) > 0,
        lent=stub.asked["large", at],
    )


def _read(calls: Iterable[tuple[str, str]]) -> list[tuple[str, dict[str, Any]]]:
    """The calls with their arguments; one that can't be read is like no right one."""
    read: list[tuple[str, dict[str, Any]]] = []
    for name, text in calls:
        try:
            arguments = orjson.loads(text)
        except orjson.JSONDecodeError:
            arguments = {"": text}
        read.append((name, arguments))
    return read


def share(part: int, whole: int) -> str:
    """A share in per cent with Wilson's interval at 95 %."""
    if not whole:
        return "–"
    p, z2 = part / whole, _Z * _Z
    middle = (p + z2 / (2 * whole)) / (1 + z2 / whole)
    wide = _Z * math.sqrt(p * (1 - p) / whole + z2 / (4 * whole * whole)) / (1 + z2 / whole)
    low, high = max(middle - wide, 0.0), min(middle + wide, 1.0)
    return f"{100 * p:.1f} ({100 * low:.1f}–{100 * high:.1f})"


def kept_table(came: Sequence[Came]) -> list[str]:
    """Truth replayed: what is kept, set by set, and the rows that are not."""
    lines = [
        "| set | rows | right before | right behind the gateway |",
        "| --- | ---: | ---: | ---: |",
    ]
    for category in CATEGORIES:
        some = [each for each in came if each.case.asked.category == category]
        raw, right = sum(each.raw for each in some), sum(each.right for each in some)
        lines.append(f"| `{category}` | {len(some)} | {raw} | {right} |")
    raw, right = sum(each.raw for each in came), sum(each.right for each in came)
    lines.append(f"| all | {len(came)} | {raw} | {right} |")
    lost = [each.case.asked.id for each in came if each.raw and not each.right]
    return [*lines, "", f"Lost: {', '.join(lost) or 'none'}."]


def noise_table(runs: Sequence[tuple[str, Sequence[Came]]]) -> list[str]:
    """What is right, what is wrongly called and what is lent, part by part and way by way."""
    lines = [
        "| part | way | right before | right | wrong calls handed out | lent |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for part in (*PROFILE, "all"):
        for way, came in runs:
            some = [e for e in came if part in ("all", group(e.case.asked.category))]
            told = (
                sum(e.raw for e in some),
                sum(e.right for e in some),
                sum(e.wrong_call for e in some),
                sum(e.lent > 0 for e in some),
            )
            cells = " | ".join(share(each, len(some)) for each in told)
            lines.append(f"| {part} ({len(some)}) | {way} | {cells} |")
    return lines


def kinds_table(runs: Sequence[tuple[str, Sequence[Came]]]) -> list[str]:
    """Of each kind of fault: right in the end / a wrong call handed out / neither."""
    ways = [way for way, _ in runs]
    lines = [f"| fault | rows | {' | '.join(ways)} |", f"| --- | ---: |{' --- |' * len(ways)}"]
    for kind in kinds():
        rows = sum(each.fault == kind for each in runs[0][1])
        cells: list[str] = []
        for _, came in runs:
            some = [each for each in came if each.fault == kind]
            right, wrong = sum(e.right for e in some), sum(e.wrong_call for e in some)
            cells.append(f"{right} / {wrong} / {len(some) - right - wrong}")
        lines.append(f"| {kind} | {rows} | {' | '.join(cells)} |")
    return lines


async def measure(half: str, limit: int | None) -> None:
    """Print the tables. Rows that stay right are asked once: their script is the same in every way."""
    rows = cases(half, limit)
    plain = await play(rows)
    print("\n".join(kept_table(plain)), flush=True)
    spoilt_rows = [each for each in rows if script(each, noise=True, mends=0.0)[0]]
    asked_again = {each.asked.id for each in spoilt_rows}
    stays = [each for each in plain if each.case.asked.id not in asked_again]
    ways = {
        "no expert, stubborn": (False, 0.0),
        "no expert, mends half": (False, 0.5),
        "oracle, stubborn": (True, 0.0),
    }
    runs = [
        (way, [*stays, *await play(spoilt_rows, noise=True, expert=expert, mends=mends)])
        for way, (expert, mends) in ways.items()
    ]
    print("\n".join(["", *noise_table(runs), "", *kinds_table(runs)]))


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="BFCL's answers through the gateway.")
    parser.add_argument("--half", choices=("tuning", "held-out"), default="tuning")
    parser.add_argument("--limit", type=int)
    wanted = parser.parse_args()
    asyncio.run(measure(wanted.half, wanted.limit))


if __name__ == "__main__":
    main()
