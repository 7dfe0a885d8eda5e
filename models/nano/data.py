"""Batches of conversations that share their tools."""

from __future__ import annotations

from typing import Any

from models.nano import invented, outcomes, render, toolset
from models.nano.batch import Batch, Row
from models.nano.conversations import Turn, builtin_turn, invented_turn
from models.nano.grammar import Source
from models.nano.render import Round

LONGEST_ROW = 448
"""Tokens. At 192 nearly all answers to two results were left out, unseen, and were not learned."""
MOST_TOKENS = 7_680
"""Of a batch, its prefix apart."""
LONGEST_PREFIX = 1400


def history(source: Source) -> list[int]:
    """Earlier turns, before the tools: V3 shows the tools just before the last user message."""
    ids: list[int] = []
    offered = {definition["name"] for definition in toolset.builtin()}
    for _ in range(source.rng.choice([1, 1, 2])):
        turn = builtin_turn(source, offered)
        row = turn
        if isinstance(turn.target, list) and not turn.rounds:
            chinese = turn.kind.endswith(" zh")
            results = tuple(outcomes.returned(source, call, chinese) for call in turn.target)
            told = outcomes.sentences(turn.target, results, chinese)
            made = (Round(tuple(turn.target), results),)
            row = Turn("", turn.said, ("" if chinese else " ").join(told), "", made)
        elif isinstance(turn.target, list):
            continue
        ids += row.row(source).ids
    return ids


def builtin_offer(source: Source, short: bool = False) -> list[dict[str, Any]]:
    """The seven tools in their usual order most of the time; else fewer, shuffled, with others.

    ``short`` offers two to four of them: less to attend to, hence more updates in the same time.
    """
    offer = toolset.builtin()
    rng = source.rng
    if short:
        kept = set(rng.sample(range(len(offer)), rng.randint(2, 4)))
        return [definition for index, definition in enumerate(offer) if index in kept]
    if source.chance(0.8):
        return offer
    if source.chance(0.6):
        offer = rng.sample(offer, rng.randint(2, 7))
    if source.chance(0.5):
        offer += [invented.tool(source, False).definition for _ in range(rng.randint(1, 3))]
    if source.chance(0.5):
        rng.shuffle(offer)
    return offer


def turns(
    source: Source, size: int, own: bool, short: bool = False
) -> tuple[list[int], list[Turn]]:
    """(shared prefix, conversations) with the gateway's own tools or with invented ones."""
    past = history(source) if source.chance(0.04) else []
    if own:
        offer = builtin_offer(source, short)
        names = {definition["name"] for definition in offer}
        known = names & {definition["name"] for definition in toolset.builtin()}
        made = [builtin_turn(source, known) for _ in range(size)]
    else:
        chinese = source.chance(1 / 3)
        tools = [
            invented.tool(source, chinese)
            for _ in range(source.rng.choice([1, 2, 2, 3, 3, 4, 5, 6]))
        ]
        offer = [tool.definition for tool in tools]
        made = [invented_turn(source, tools, chinese) for _ in range(size)]
    return [render.BOS, *past, *render.tools(offer)], made


def group(source: Source, short: float, size: int = 40) -> list[Batch]:
    """Some batches that share a prefix, cut by length so that little is padding."""
    own = source.chance(0.75)  # groups of eight against groups of four
    size, many = (size, 8) if own else (size * 2 // 3, 4)
    prefix, made = turns(source, many * size, own, source.chance(short))
    rows = [row for row in (turn.row(source) for turn in made) if len(row.ids) <= LONGEST_ROW]
    if len(prefix) > LONGEST_PREFIX or not rows:
        return []
    return [Batch(prefix, part) for part in cut(rows, size)]


def cut(rows: list[Row], size: int) -> list[list[Row]]:
    """Rows by length, so that little is padding: at most ``size`` together, fewer long ones."""
    parts: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: len(row.ids)):
        most = min(size, MOST_TOKENS // len(row.ids))
        if not parts or len(parts[-1]) >= most:
            parts.append([])
        parts[-1].append(row)
    return parts


class Stream:
    """An endless shuffled supply of batches; six in seven show the gateway's own tools."""

    def __init__(self, source: Source, depth: int = 64) -> None:
        self.source, self.depth = source, depth
        self.waiting: list[Batch] = []

    def next(self, short: float = 0.0) -> Batch:
        """One batch, taken at random from many groups; ``short`` of them show few own tools."""
        while len(self.waiting) < self.depth:
            self.waiting += group(self.source, short)
        return self.waiting.pop(self.source.rng.randrange(len(self.waiting)))
