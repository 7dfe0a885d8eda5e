r"""Whether a backtracking engine can take exponential time on a regular expression.

What it is: the textbook test. Build the position automaton of the expression (Glushkov); the expression
is exponentially ambiguous when some state can be left and reached again by two different ways that read
the same text (Weber and Seidl 1991). `(a+)+`, `(a|a?)+`, `(\w+\s?)*` are; `([a-z]+-)*` is not.
What it is not: a guard at matching time; matching runs on RE2 (`tools.patterns`).

Counted repetitions are judged as one round below `_LOOP_FROM` rounds and as a loop from there on.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeVar, cast

# Python's own parser, private and the same from 3.11 to 3.13; a second one would only disagree with it.
sre: Any = import_module("re._constants")
sre_parser: Any = import_module("re._parser")

_Node = TypeVar("_Node")

_LOOP_FROM = 16
_MAX_POSITIONS = 150
_SAMPLES = frozenset(map(ord, "09azAZ_ -.\n\té中"))


class _NotJudged(Exception):
    """More positions than the quadratic test is given time for."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A subexpression: may it be empty, and the positions that it can begin and end with."""

    nullable: bool
    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()


_EMPTY = _Part(nullable=True)


@dataclass(slots=True)
class _Automaton:
    """Positions, the characters that each reads, and which may follow which."""

    alphabet: frozenset[int]
    reads: list[frozenset[int]] = field(default_factory=list[frozenset[int]])
    follow: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    ambiguous: bool = False
    loops: int = 0

    def build(self, items: Any) -> _Part:
        part = _EMPTY
        for op, argument in items:
            part = self._concat(part, self._one(op, argument))
        return part

    def _one(self, op: Any, argument: Any) -> _Part:
        if op in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            return self._position(op, argument)
        if op is sre.SUBPATTERN:
            return self.build(argument[3])
        if op is sre.BRANCH:
            return self._branch([self.build(way) for way in argument[1]])
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            return self._repeat(*argument)
        return _EMPTY  # anchors and boundaries read nothing

    def _position(self, op: Any, argument: Any) -> _Part:
        if len(self.reads) == _MAX_POSITIONS:
            raise _NotJudged
        self.reads.append(frozenset(c for c in self.alphabet if _accepts(op, argument, c)))
        here = frozenset((len(self.reads) - 1,))
        return _Part(nullable=False, first=here, last=here)

    def _branch(self, ways: list[_Part]) -> _Part:
        if self.loops and sum(way.nullable for way in ways) > 1:
            self.ambiguous = True
        return _Part(
            nullable=any(way.nullable for way in ways),
            first=frozenset[int]().union(*(way.first for way in ways)),
            last=frozenset[int]().union(*(way.last for way in ways)),
        )

    def _repeat(self, low: Any, high: Any, items: Any) -> _Part:
        loop = high is sre.MAXREPEAT or int(high) >= _LOOP_FROM
        self.loops += loop
        part = self.build(items)
        self.loops -= loop
        if loop:
            self._link(part.last, part.first)
        return _Part(part.nullable or int(low) == 0, part.first, part.last)

    def _concat(self, left: _Part, right: _Part) -> _Part:
        self._link(left.last, right.first)
        return _Part(
            left.nullable and right.nullable,
            left.first | right.first if left.nullable else left.first,
            left.last | right.last if right.nullable else right.last,
        )

    def _link(self, sources: frozenset[int], targets: frozenset[int]) -> None:
        """Join; an edge that is there already is a second way to read the same text."""
        for source in sources:
            if self.follow[source] & targets:
                self.ambiguous = True
            self.follow[source] |= targets


def is_ambiguous(pattern: str) -> bool:
    """Whether `pattern` (valid for `re`) is exponentially ambiguous.

    False as well for a pattern with more than 150 positions, which is not judged.
    """
    tree = sre_parser.parse(pattern, re.NOFLAG)
    automaton = _Automaton(_alphabet(tree))
    try:
        automaton.build(tree)
    except _NotJudged:
        return False
    return automaton.ambiguous or _two_ways_round(automaton)


def _two_ways_round(automaton: _Automaton) -> bool:
    """Whether some pair of different positions lies on a way from a (q, q) back to one."""
    reads, follow = automaton.reads, automaton.follow
    looping = {p for p in range(len(reads)) if p in _reach({p}, follow)}
    successors: dict[tuple[int, int], set[tuple[int, int]]] = {}
    predecessors: dict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    seeds = {(p, p) for p in looping}
    frontier = list(seeds)
    while frontier:
        pair = frontier.pop()
        if pair in successors:
            continue
        successors[pair] = {
            (one, two)
            for one in follow[pair[0]] & looping
            for two in follow[pair[1]] & looping
            if reads[one] & reads[two]
        }
        for after in successors[pair]:
            predecessors[after].add(pair)
            frontier.append(after)
    returning = _reach(seeds, predecessors)
    return any(
        one != two and one in _reach({two}, follow) and two in _reach({one}, follow)
        for one, two in returning
        if (one, two) in successors
    )


def _reach(start: set[_Node], edges: Mapping[_Node, set[_Node]]) -> set[_Node]:
    """Everything that one or more edges lead to."""
    found: set[_Node] = set()
    todo = list(start)
    while todo:
        for after in edges.get(todo.pop(), ()):
            if after not in found:
                found.add(after)
                todo.append(after)
    return found


def _alphabet(tree: Any) -> frozenset[int]:
    """Characters that tell the pattern's classes apart: those named in it, their neighbours, samples."""
    found = set(_SAMPLES)
    todo: list[Any] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, int) and not isinstance(node, bool) and 0 <= node < 0x110000:
            found.update((max(node - 1, 0), int(node), node + 1))
        elif isinstance(node, (tuple, list, sre_parser.SubPattern)):
            todo.extend(cast("list[Any]", node))
    return frozenset(found)


_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    sre.CATEGORY_DIGIT: str.isdecimal,
    sre.CATEGORY_SPACE: str.isspace,
    sre.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
}
_NEGATED: dict[Any, Any] = {
    sre.CATEGORY_NOT_DIGIT: sre.CATEGORY_DIGIT,
    sre.CATEGORY_NOT_SPACE: sre.CATEGORY_SPACE,
    sre.CATEGORY_NOT_WORD: sre.CATEGORY_WORD,
}


def _accepts(op: Any, argument: Any, code: int) -> bool:
    if op is sre.LITERAL:
        return code == argument
    if op is sre.NOT_LITERAL:
        return code != argument
    if op is sre.ANY:
        return code != 10
    if op is sre.RANGE:
        return argument[0] <= code <= argument[1]
    if op is sre.CATEGORY:
        if argument in _NEGATED:
            return not _CATEGORIES[_NEGATED[argument]](chr(code))
        return _CATEGORIES[argument](chr(code))
    negated: bool = argument[0][0] is sre.NEGATE
    items: list[tuple[Any, Any]] = argument[negated:]
    return negated != any(_accepts(kind, inner, code) for kind, inner in items)
