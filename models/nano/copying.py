"""The curriculum before any language: repeat what you saw.

Copying (an "induction head") takes long to appear in a small model trained on requests and calls
alone, and without it no argument is ever right.  On random tokens it appears within minutes.
"""

from __future__ import annotations

from random import Random

from models.nano.batch import Batch, Row
from models.nano.tokenizer import N_SPECIAL, VOCAB_SIZE

BOS, EOS, INST, END_INST, CALLS = 1, 2, 3, 4, 9


def _tokens(rng: Random, pool: list[int], n: int) -> list[int]:
    return [rng.choice(pool) for _ in range(n)]


def repeat(rng: Random, pool: list[int]) -> Row:
    """A sequence, a gap, and the sequence again."""
    head = _tokens(rng, pool, rng.randint(6, 40))
    gap = _tokens(rng, pool, rng.randint(0, 12))
    ids = [INST, *head, *gap, END_INST]
    return Row([*ids, CALLS, *head, EOS], len(ids) + 2)


def span(rng: Random, pool: list[int]) -> Row:
    """A text with one marked span; the answer is the span (the shape of an argument in a request)."""
    left, right = rng.choice(pool), rng.choice(pool)
    before, after = _tokens(rng, pool, rng.randint(0, 24)), _tokens(rng, pool, rng.randint(0, 24))
    inner = _tokens(rng, pool, rng.randint(1, 14))
    ids = [INST, *before, left, *inner, right, *after, END_INST]
    return Row([*ids, left, *inner, right, EOS], len(ids) + 1)


def lookup(rng: Random, pool: list[int]) -> Row:
    """Keys with values; the answer fetches some of the values (the shape of a tool's schema)."""
    pairs = [
        (rng.choice(pool), _tokens(rng, pool, rng.randint(1, 4))) for _ in range(rng.randint(2, 9))
    ]
    ids = [INST, *(token for key, value in pairs for token in (key, *value, INST)), END_INST]
    start = len(ids)
    for key, value in rng.sample(pairs, rng.randint(1, len(pairs))):
        ids += [key, *value, INST]
    return Row([*ids, EOS], start + 1)


def period(rng: Random, pool: list[int]) -> Row:
    """A sequence again and again: of all shapes the one that teaches copying soonest."""
    cycle = _tokens(rng, pool, rng.randint(4, 24))
    return Row([INST, *(cycle * 24)[: rng.randint(64, 95)]], 2 + len(cycle))


class Curriculum:
    """Batches that get harder as they are mastered.

    Few tokens and plain periods first; each time the loss is low more tokens come into
    play, and once copying has begun, the other shapes.  ``done`` when all tokens are copied.
    """

    def __init__(self, most: int = 64) -> None:
        self.most = most

    @property
    def done(self) -> bool:
        return self.most >= VOCAB_SIZE - N_SPECIAL

    def learn(self, loss: float) -> None:
        """Take the loss (nats a token) of the last batch into account."""
        if loss < 1.3:
            self.most = min(int(self.most * 1.12) + 1, VOCAB_SIZE - N_SPECIAL)

    def batch(self, rng: Random, size: int = 32) -> Batch:
        """Rows of one kind behind a few tokens that mean nothing."""
        pool = rng.sample(range(N_SPECIAL, VOCAB_SIZE), self.most)
        if self.most < 400:
            pool = list(range(N_SPECIAL, N_SPECIAL + self.most))
        kind = period if self.most < 100 else rng.choice((period, repeat, span, lookup))
        return Batch([BOS, *_tokens(rng, pool, 7)], [kind(rng, pool) for _ in range(size)])
