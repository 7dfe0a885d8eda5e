"""Whether an argument came out of what a tool brought.

What it is: a comparison of each text and number in a call's arguments, in all its readings, with the
fingerprints of the tools' results, minus what the people behind the request said themselves.
- A value of one piece (an address, a name, an amount) is tainted when a part of it that nobody said
  stands in a result.
- A longer text is tainted when a stretch of it does: `STRETCH` characters without spaces.
- What the user said is not tainted, though a result says it too. What the tool's schema lists (`enum`)
  is its author's word.
What it is not: a proof. A model can paraphrase and compute; what stands nowhere literally or in a known
encoding is not seen. Rules with `when: read` don't depend on this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, cast

from policies.conversation import Brought
from policies.taint.decoding import decodings
from policies.taint.fingerprint import GRAM, Fingerprint, fingerprint, grams, skeleton

STRETCH = 12
_WINDOW = 20_000
"""Characters of a value that are decoded at a time."""
_MAX_READINGS = 64
_LONGEST_PIECE = 80
_LEAST_TOKEN = 2
_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Mark:
    """An argument and where it came from. `path` is a JSON path; the text itself is in neither."""

    path: str
    source: Brought

    def __str__(self) -> str:
        return f"{self.path} comes from the result of {self.source.tool or 'a tool'}"


def marks(
    arguments: Mapping[str, Any],
    schema: Mapping[str, Any],
    sources: Sequence[Brought],
    said: Iterable[str],
    globs: Sequence[str] = ("*",),
) -> Iterator[Mark]:
    """The tainted values among the top-level arguments whose names match `globs`."""
    if not sources:
        return
    known = [(source, fingerprint(source.text)) for source in sources]
    spoken = tuple(fingerprint(text) for text in said)
    properties = cast("Mapping[str, Any]", schema.get("properties") or {})
    for name, value in arguments.items():
        if not any(fnmatchcase(name, glob) for glob in globs):
            continue
        if _is_listed(value, properties.get(name)):
            continue
        for path, text in _leaves(value, f"$.{name}"):
            source = _origin(text, known, spoken)
            if source is not None:
                yield Mark(path, source)


def _is_listed(value: object, schema: object) -> bool:
    if not isinstance(schema, dict):
        return False
    listed: object = cast("Mapping[str, object]", schema).get("enum")
    return isinstance(listed, list) and value in cast("list[object]", listed)


def _leaves(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The texts and numbers in a value, keys of objects too, each with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict) and depth < _MAX_DEPTH:
        for key, inner in cast("dict[str, Any]", value).items():
            yield f"{path}.{key[:64]}", key
            yield from _leaves(inner, f"{path}.{key[:64]}", depth + 1)
    elif isinstance(value, list) and depth < _MAX_DEPTH:
        for at, inner in enumerate(cast("list[Any]", value)):
            yield from _leaves(inner, f"{path}[{at}]", depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _origin(
    text: str, known: Sequence[tuple[Brought, Fingerprint]], spoken: Sequence[Fingerprint]
) -> Brought | None:
    """The result that the text came from, None where it came from none."""
    for at in range(0, len(text), _WINDOW):
        for reading in islice(decodings(text[at : at + _WINDOW]), _MAX_READINGS):
            found = _origin_of_reading(reading, known, spoken)
            if found is not None:
                return found
    return None


def _origin_of_reading(
    text: str, known: Sequence[tuple[Brought, Fingerprint]], spoken: Sequence[Fingerprint]
) -> Brought | None:
    bare = skeleton(text)
    if len(bare) < GRAM:
        return _whole_token(bare, known, spoken)
    parts = grams(bare)
    if _is_piece(text):
        return _stretch(parts, known, spoken, 1)
    found = _stretch(parts, known, spoken, min(len(parts), STRETCH - GRAM + 1))
    if found is None and len(text) <= _LONGEST_PIECE:  # an amount or a number among other words
        numbers = [word for word in text.split() if any(map(str.isdigit, word))]
        tokens = (_whole_token(skeleton(word), known, spoken) for word in numbers)
        found = next((source for source in tokens if source is not None), None)
    return found


def _is_piece(text: str) -> bool:
    """One word, as addresses and names are. Scripts without spaces write sentences in one word, too."""
    longest = _LONGEST_PIECE if text.isascii() else _LONGEST_PIECE // 10
    return len(text) <= longest and len(text.split()) == 1


def _whole_token(
    token: str, known: Sequence[tuple[Brought, Fingerprint]], spoken: Sequence[Fingerprint]
) -> Brought | None:
    """For what is too short for a gram: it has to be a word of a result, and of nothing that was said."""
    if len(token) < _LEAST_TOKEN or any(token in each.tokens for each in spoken):
        return None
    return next((source for source, each in known if token in each.tokens), None)


def _stretch(
    parts: Sequence[str],
    known: Sequence[tuple[Brought, Fingerprint]],
    spoken: Sequence[Fingerprint],
    least: int,
) -> Brought | None:
    """The result whose text fills a stretch of `least` grams that nobody said."""
    near = [pair for pair in known if pair[1].shares(parts)]
    if not near:
        return None
    length = 0
    for part in parts:
        source = next((source for source, each in near if each.knows(part)), None)
        if source is None or any(part in each.grams for each in spoken):
            length = 0
            continue
        length += 1
        if length >= least:
            return source
    return None
