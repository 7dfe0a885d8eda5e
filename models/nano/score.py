"""Score a checkpoint on the held-out half of the generator: ``python -m models.nano.score``.

Wordings and words are those that training never draws.  Greedy decoding, nothing constrained.  For
each kind of turn: how many, how many exactly right (the whole call list or the whole sentence), and
how many chose the right tools.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import torch

from models.nano import data, export, render, tokenizer
from models.nano.conversations import Turn
from models.nano.generate import greedy
from models.nano.grammar import Source
from models.nano.model import Nano


@dataclass
class Tally:
    """Counts of one kind of turn."""

    n: int = 0
    exact: int = 0
    tools: int = 0
    wrong: list[str] = field(default_factory=list)


def written(ids: list[int]) -> str:
    """The text of an answer; calls as their JSON behind the control token."""
    text = tokenizer.load().decode([i for i in ids if i >= tokenizer.N_SPECIAL])
    return ("[TOOL_CALLS]" if ids[:1] == [render.CALLS] else "") + str(text)


def names(text: str) -> list[str] | None:
    """The tools that an answer calls, in order; None when it does not parse."""
    if not text.startswith("[TOOL_CALLS]"):
        return []
    try:
        return [call["name"] for call in json.loads(text.removeprefix("[TOOL_CALLS]"))]
    except (ValueError, KeyError, TypeError):
        return None


def score(model: Nano, seed: int, groups: int, size: int, dev: bool = True) -> dict[str, Tally]:
    """Tallies by kind over ``groups`` prefixes with ``size`` conversations each."""
    source = Source(Random(seed), dev=dev)
    tallies: dict[str, Tally] = defaultdict(Tally)
    for index in range(groups):
        prefix, made = data.turns(source, size, own=index % 3 != 2)
        prompts = [turn.prompt(source) for turn in made]
        for turn, ids in zip(made, greedy(model, prefix, prompts, 120), strict=True):
            _count(tallies[turn.kind], turn, written(ids))
    return tallies


def _count(tally: Tally, turn: Turn, got: str) -> None:
    target = turn.target
    want = target if isinstance(target, str) else written(render.calls(target)[:-1])
    tally.n += 1
    tally.exact += got == want
    tally.tools += names(got) == names(want)
    if got != want:
        tally.wrong.append(f"{turn.said}\n    want {want}\n    got  {got}")


def table(tallies: dict[str, Tally]) -> str:
    """A line a kind, then English, Chinese and all of the gateway's own tools' calls."""
    lines = [f"{'kind':22} {'n':>5} {'exact':>7} {'tools':>7}"]
    rows = sorted(tallies.items())
    for title, members in [
        *((kind, [tally]) for kind, tally in rows),
        (
            "own tools, English",
            [t for k, t in rows if "invented" not in k and not k.endswith("zh")],
        ),
        ("own tools, Chinese", [t for k, t in rows if "invented" not in k and k.endswith("zh")]),
        ("all", [t for _, t in rows]),
    ]:
        n = sum(t.n for t in members) or 1
        exact, tools = sum(t.exact for t in members) / n, sum(t.tools for t in members) / n
        lines.append(f"{title:22} {n:5} {exact:7.1%} {tools:7.1%}")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--groups", type=int, default=12)
    parser.add_argument("--size", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--train-half", action="store_true", help="wordings seen in training")
    parser.add_argument("--wrong", type=int, default=0, help="show so many errors of each kind")
    args = parser.parse_args()
    torch.manual_seed(0)
    found = score(
        export.load(args.checkpoint), args.seed, args.groups, args.size, not args.train_half
    )
    print(table(found))
    for kind, tally in sorted(found.items()):
        for line in tally.wrong[: args.wrong]:
            print(f"\n[{kind}] {line}")
