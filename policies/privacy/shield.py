"""One run's private values and the placeholders that stand for them: there and back again.

What it is: texts and JSON go through it on their way out, and what detectors find in them stays here, a
placeholder in its place; the same value has the same one for as long as the run lasts. `restored` is the way
back: for every text, `restored(text(t))` is `t`. What has the form of a placeholder already is hidden like a
private value, which is its escape.
What it is not: a judge of turns and calls (`gateway.agent.boundary`), nor a store: what it knows is in no
`repr` and is gone with the run.

What a text has become is searched again, until nothing is found in it but placeholders: one may have come to
stand where it makes, with its neighbours, something that a detector finds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, cast

from policies.filters.listed import words
from policies.filters.sieve import Detector, segments
from policies.folding import fold
from policies.privacy.placeholders import LookAlike, Restorer, new_placeholder

Path = tuple[str | int, ...]
"""Where a value stands in JSON: names and indices."""

FIELD = "field"
"""The kind of what a tool marks, for it has no form that would name it."""
_ROUNDS = 5
_MOST_CACHED = 2_000
_LONGEST_LEARNT = 200
_SHORTEST_LEARNT = 4
_SHORTEST_UNSPACED = 2
_UNSPACED_FROM = "\u2e80"


class Shield:
    """For one run. `detectors` find what is private in whole texts."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._found_always = (*detectors, LookAlike())
        self._detectors: tuple[Detector, ...] = self._found_always
        self._placeholders: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._learnt: set[str] = set()
        self._done: dict[str, str] = {}

    @property
    def hidden(self) -> int:
        """How many values have a placeholder."""
        return len(self._values)

    def learn(self, values: Iterable[str]) -> None:
        """From now on these are found wherever they stand as whole words, too.

        Values so short that they would be found by chance are passed over: under four characters, two of
        a script without spaces.
        """
        new = {each.strip() for each in values if _is_telling(each.strip())} - self._learnt
        if not new:
            return
        self._learnt |= new
        self._detectors = (*self._found_always, words(sorted(self._learnt), FIELD))
        self._done.clear()

    def text(self, text: str) -> str:
        """A text as it may leave."""
        if not text:
            return text
        if (done := self._done.get(text)) is None:
            done = self._hidden_in(text)
            if len(self._done) < _MOST_CACHED:
                self._done[text] = done
        return done

    def whole(self, text: str, kind: str = FIELD) -> str:
        """The placeholder of a whole text."""
        if (placeholder := self._placeholders.get(text)) is None:
            while (placeholder := new_placeholder(kind)) in self._values:
                pass
            self._placeholders[text] = placeholder
            self._values[placeholder] = text
        return placeholder

    def value(self, value: Any, marked: Container[Path] = (), path: Path = ()) -> Any:
        """JSON as it may leave: its texts, keys and numbers; leaves at `marked` paths whole."""
        if isinstance(value, dict):
            named = cast("dict[str, Any]", value).items()
            return {
                self.text(name): self.value(each, marked, (*path, name)) for name, each in named
            }
        if isinstance(value, list):
            items = enumerate(cast("list[Any]", value))
            return [self.value(each, marked, (*path, index)) for index, each in items]
        if value is None:
            return None
        written = value if isinstance(value, str) else json.dumps(value)
        if path in marked and written:
            return self.whole(written)
        if isinstance(value, bool):
            return value
        shown = self.text(written)
        return value if shown == written else shown

    def json_text(self, text: str, marked: Container[Path] = ()) -> str:
        """A text that may be JSON, read and hidden value by value; one that is not, as `text`."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return self.text(text)
        if not isinstance(value, dict | list):
            return self.text(text) if () not in marked else self.whole(text)
        shown = self.value(value, marked)
        if shown == value:
            return self.text(text)
        return self.text_after(json.dumps(shown, ensure_ascii=False, separators=(",", ":")))

    def text_after(self, shown: str) -> str:
        """Search once more what holds placeholders of this shield already."""
        return self._hidden_in(shown, rounds=1)

    def restorer(self, spelled: Callable[[str], str] = str) -> Restorer:
        """For one text on its way back, each value as `spelled` writes it."""

        def value_of(placeholder: str) -> str | None:
            value = self._values.get(placeholder)
            return None if value is None else spelled(value)

        return Restorer(value_of)

    def restored(self, text: str) -> str:
        """A whole text with its values."""
        restorer = self.restorer()
        return restorer.feed(text) + restorer.finish()

    def _hidden_in(self, text: str, rounds: int = 0) -> str:
        """In the first round (0) nothing in the text is a placeholder, whatever it looks like."""
        while True:
            pieces: list[str] = []
            changed = False
            for found in segments(text, self._detectors):
                if found.kind is None or (rounds and found.text in self._values):
                    pieces.append(found.text)
                    continue
                changed = True
                value = self.restored(found.text) if rounds else found.text
                pieces.append(self.whole(value, found.kind))
            text = "".join(pieces)
            if not changed:
                return text
            rounds += 1
            if rounds > _ROUNDS:  # a rule that finds something about every placeholder
                return self.whole(self.restored(text))


def _is_telling(value: str) -> bool:
    if len(value) > _LONGEST_LEARNT or not fold(value).text.strip():
        return False
    if any("\ud800" <= each <= "\udfff" for each in value):
        return False
    unspaced = any(each >= _UNSPACED_FROM for each in value)
    return len(value) >= (_SHORTEST_UNSPACED if unspaced else _SHORTEST_LEARNT)
