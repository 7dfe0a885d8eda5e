"""A real cascade, measured: `python -m bench.cascade` (from the repository's root).

The embedded model is the intermediary. The expert is an oracle, a script that knows the right call: what is
measured is whether the gateway knows when the small model is wrong, not how good a large one is. Requests
are those of `bench/held_out/` (`bench.cascade_requests`): the built-in tools in unseen wordings, and tools
that no model of this project was trained on. Half of the phrasings calibrate; what is told is measured on the
other half.

    record      every request to the intermediary, through the loop; kept in --decisions, or read from there
    calibrate   `routing.calibration_fit`, as `gateway calibrate --confidence 0.9` does it, but one target for all effects
    tell        quality, cost and wrong calls on the rest, simulated from the record, since an oracle's answer
                is known; and the wrong calls over a hundred other splits, as one says little
    live        --live requests of the rest once more through the loop, with the strategy and the expert

--limit N is for trying it out: the first N requests, a fair sample; few are too thin to calibrate on.

Prices are list prices of the models in these roles (a million tokens: $0.15 / $0.15 for ministral-8b-latest,
$0.50 / $1.50 for mistral-large-latest); tokens are those of this model's tokenizer.

--write puts the table into docs/routing.md and the plot into docs/cascade.svg.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import re
from pathlib import Path

from bench.cascade_curves import (
    Case,
    always_large_usd,
    always_small_usd,
    area_share,
    cost_usd,
    estimate,
    lent_share,
    quality,
    random_quality,
    right_share,
    wrong_made,
)
from bench.cascade_plot import plot
from bench.cascade_requests import calibrates, requests
from bench.cascade_run import Decided, decide, oracle, read
from bench.cascade_splits import Splits, splits
from routing.backend import Usage
from routing.backends.llamacpp import LlamaCppBackend
from routing.calibration import Calibration
from routing.calibration_fit import TooThin, fit
from routing.escalation_calls import LowProbability
from routing.router import Member, Price, Router

ROOT = Path(__file__).resolve().parents[1]
SMALL, LARGE = Price(0.15, 0.15), Price(0.50, 1.50)
_PARTS = (("builtin", "built-in tools, unseen wordings"), ("unseen", "unseen tools"))
_LEAST_FOR_AREA = 10
"""Right decisions, and wrong ones: with fewer there is no curve to speak of."""
_PAGE, _PLOT = ROOT / "docs" / "routing.md", ROOT / "docs" / "cascade.svg"
_PLACE = re.compile(r"(<!-- cascade -->\n).*?(<!-- /cascade -->)", re.DOTALL)


async def record(args: argparse.Namespace) -> None:
    """Every request decided by the intermediary alone, written as it comes."""
    args.decisions.parent.mkdir(parents=True, exist_ok=True)
    backend = LlamaCppBackend("intermediary", args.weights)
    with args.decisions.open("w", encoding="utf-8", buffering=1) as file:
        try:
            router = Router(Member(backend, SMALL), measures=True)
            asked = requests()[: args.limit]
            await decide(router, asked, args.deadline, lambda each: file.write(each.line()))
        finally:
            await backend.aclose()


async def live(args: argparse.Namespace, calibration: Calibration, texts: set[str]) -> str:
    """The same thresholds in the loop itself."""
    asked = [each for each in requests() if each.text in texts][: args.live]
    backend = LlamaCppBackend("intermediary", args.weights)
    try:
        small, large = Member(backend, SMALL), Member(oracle(asked), LARGE)
        router = Router(small, large, LowProbability(calibration), measures=True)
        done: list[Decided] = []
        await decide(router, asked, args.deadline, done.append)
    finally:
        await backend.aclose()
    wrong = sum(not each.right for each in done if each.made)
    lent = sum(each.lent > 0 for each in done)
    return (
        f"In the loop itself, {len(done)} of these requests: {lent} lent, "
        f"{sum(each.right for each in done)} right, {wrong} wrong calls made."
    )


def cases(decided: list[Decided], calibration: Calibration) -> list[Case]:
    """The decisions in which the intermediary had valid calls; a turn is as sure as its least sure call."""
    found: list[Case] = []
    for each in decided:
        if not each.made:
            continue
        probabilities = [calibration.probability(call) or 0.0 for call in each.evidence]
        lent = any(
            probability < calibration.threshold(call.effect)
            for probability, call in zip(probabilities, each.evidence, strict=True)
        )
        usage = Usage(each.prompt, each.completion)
        found.append(
            Case(
                each.group,
                min(probabilities),
                each.right,
                lent,
                SMALL(usage),
                LARGE(usage),
                each.part,
            )
        )
    return found


def told(decided: list[Decided], found: list[Case], made: Calibration, over: list[Splits]) -> str:
    """The table."""
    report, n = made.report, len(found)
    in_words = [each for each in decided if not each.made]
    unneeded = [each for each in decided if each.truth is None]
    small = estimate(found, right_share)
    target = made.targets["read"]
    rows = [
        ("always small", small, always_small_usd(found)),
        ("random, as often", estimate(found, random_quality), cost_usd(found)),
        ("calibrated", estimate(found, quality), cost_usd(found)),
        ("always the oracle", "1", always_large_usd(found)),
    ]
    area, wrong = estimate(found, area_share), estimate(found, wrong_made)
    lines = [
        (
            f"Measured on {dt.datetime.now(dt.UTC):%Y-%m-%d}, weights `{made.model}`. Of "
            f"{len(decided)} requests held out of calibration, {len(unneeded)} of which need no tool, the "
            f"intermediary had valid calls for {n}; the others it answered in words, which is not lent, and "
            f"which was right for {sum(each.right for each in in_words)} of {len(in_words)}. 95 % confidence "
            "intervals by bootstrap over phrasings."
        ),
        "",
        f"| of {n} decisions | end right | US dollars for 1,000 |",
        "| --- | --- | --- |",
        *(f"| {name} | {share} | {usd * 1000:.3f} |" for name, share, usd in rows),
        "",
        f"- lent: {estimate(found, lent_share)} of the decisions",
        f"- made and wrong: {wrong}, with a target of {target:g} and a confidence of {report['confidence']:g}: "
        + ("below it" if wrong.value <= target else "**above it**")
        + " with this one split",
        *(f"- {each.told(target)}" for each in over),
        f"- area won over random lending, of what is possible: {area}; "
        + ("at least half" if area.value >= 0.5 else "**less than half**"),
        (
            f"- calibration: {report['fitted_on']} decisions fitted, {report['held_out']} over "
            f"{report['groups']} phrasings for thresholds; AUROC {report['auroc']:.3f}, ECE {report['ece']:.3f}"
        ),
        "",
        "| of these decisions | number | right alone | lent | made and wrong | area won |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(name, [case for case in found if case.part == part]) for part, name in _PARTS),
    ]
    return "\n".join(lines)


def _row(name: str, found: list[Case]) -> str:
    """A part by itself: that one part is easier than the other says nothing there."""
    right = sum(case.right for case in found)
    if not found:
        return f"| {name} | 0 | – | – | – | – |"
    area = f"{area_share(found):.3f}" if min(right, len(found) - right) >= _LEAST_FOR_AREA else "–"
    figures = (share(found) for share in (right_share, lent_share, wrong_made))
    return f"| {name} | {len(found)} | {' | '.join(f'{each:.3f}' for each in figures)} | {area} |"


def main() -> None:
    """Read the command line, measure, tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, default=ROOT / "models" / "nano" / "nano.gguf")
    parser.add_argument("--decisions", type=Path, default=ROOT / "var" / "cascade.jsonl")
    parser.add_argument("--again", action="store_true", help="record anew, whatever is there")
    parser.add_argument("--limit", type=int, help="of requests to record")
    parser.add_argument("--target", type=float, default=0.05)
    parser.add_argument("--confidence", type=float, default=0.9, help="that it is kept")
    parser.add_argument("--live", type=int, default=40)
    parser.add_argument("--deadline", type=float, default=600.0, help="for a request, in seconds")
    parser.add_argument("--write", action="store_true", help="into docs/")
    args = parser.parse_args()
    if args.again or not args.decisions.exists():
        asyncio.run(record(args))
    decided = read(args.decisions)
    print(
        f"{len(decided)} requests recorded, {sum(bool(each.made) for each in decided)} ended in calls, "
        f"{sum(each.right for each in decided)} are right"
    )
    if {each.text for each in decided} - {each.text for each in requests()}:
        parser.error(f"{args.decisions} holds other requests: record them anew with --again")
    calibrating = [each for each in decided if calibrates(each.group)]
    rest = [each for each in decided if not calibrates(each.group)]
    targets = dict.fromkeys(("read", "write", "destroy"), args.target)
    try:
        recorded = [one for each in calibrating for one in each.decisions()]
        made = fit(args.weights.stem, recorded, targets, args.confidence)
        over = [splits(decided, cases, targets, sure) for sure in (args.confidence, None)]
    except TooThin as error:
        raise SystemExit(f"nothing to calibrate on: {error}") from error
    found = cases(rest, made)
    table = told(rest, found, made, over)
    if args.live:
        texts = {each.text for each in rest if each.made}
        table += "\n\n" + asyncio.run(live(args, made, texts))
    print(table)
    if args.write:
        _PLOT.write_text(plot(found, args.weights.stem), encoding="utf-8")
        page = _PAGE.read_text(encoding="utf-8")
        _PAGE.write_text(_PLACE.sub(lambda at: f"{at[1]}{table}\n{at[2]}", page), encoding="utf-8")


if __name__ == "__main__":
    main()
