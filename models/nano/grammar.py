"""The little grammar that wordings are written in, and the split into training and dev halves.

``[a|b|c]`` picks one alternative (alternatives may be empty and may nest); ``{slot}`` stays for the
filler.  ``"[what's|what is] {a} [plus|and] {b}[?|]"`` is twelve wordings in one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from random import Random
from typing import Any

_INNERMOST = re.compile(r"\[([^\[\]]*)\]")
DEV_SHARE = 12  # one word or template in twelve is held out


@cache
def held_out(item: str) -> bool:
    """Whether a word or template belongs to the dev half; the same on every machine."""
    return blake2b(item.encode(), digest_size=4).digest()[0] % DEV_SHARE == 0


@dataclass
class Source:
    """Randomness with a side: training takes what is not held out, dev what is.

    ``dev`` is the probability of the held-out half: 0 in training; in scoring, 1 picks unseen
    templates and unseen words throughout.  ``whole`` takes both halves, for weights to ship when
    there is nothing left to find out from the held-out half.  ``odd`` scales how often names and
    texts are nonsense: plenty teaches to copy what was never seen, little is how people write.
    ``sums`` scales how often a request is for the calculator, ``told`` how often results are to be told.
    """

    rng: Random
    dev: bool = False
    whole: bool = False
    odd: float = 1.0
    sums: float = 1.0
    told: float = 1.0
    _halves: dict[int, tuple[Sequence[Any], Sequence[Any], Sequence[Any]]] = field(
        default_factory=dict[int, tuple[Sequence[Any], Sequence[Any], Sequence[Any]]]
    )

    def pick(self, items: Sequence[Any]) -> Any:
        """One item of this half; of all when this half is empty."""
        if self.whole:
            return self.rng.choice(items)
        known = self._halves.get(id(items))
        if known is None:
            dev = [item for item in items if held_out(str(item))]
            train = [item for item in items if not held_out(str(item))]
            known = self._halves[id(items)] = (items, train or items, dev or items)
        return self.rng.choice(known[2] if self.dev else known[1])

    def say(self, template: str) -> str:
        """Expand the alternatives of a template; slots stay."""
        while "[" in template:
            template = _INNERMOST.sub(self._alternative, template)
        return template

    def _alternative(self, match: re.Match[str]) -> str:
        return self.rng.choice(match[1].split("|"))

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def nonsense(self, probability: float) -> bool:
        """Whether what comes here is nonsense: `chance`, scaled by ``odd``."""
        return self.chance(probability * self.odd)


@dataclass(frozen=True)
class Ask:
    """One request: its wording with slots, what fills them, and the call that answers it.

    ``call`` is (tool, arguments); string arguments may be transformed together with the wording
    (lower case).  ``form`` says how it can be joined: ``q`` a question, ``i`` an imperative,
    ``x`` a text that stands alone, ``n`` one that ends in the free text of a note.  ``more`` are further
    calls that the same wording asks for (the time in two cities).
    """

    wording: str
    fills: dict[str, str]
    call: tuple[str, dict[str, Any]]
    form: str = "q"
    chinese: bool = False
    more: tuple[tuple[str, dict[str, Any]], ...] = ()

    def text(self, change: Callable[[str], str] = str) -> str:
        """The wording, its literal part changed (typos) and its slots filled."""
        pieces = re.split(r"(\{\w+\})", self.wording)
        return "".join(
            self.fills[piece[1:-1]] if piece[:1] == "{" and piece[-1:] == "}" else change(piece)
            for piece in pieces
        )
