"""YAML whose values know where they stand, for those who tell an author what is wrong with a file.

What it is: every document of a text as plain data (`tools.yaml_events`), the line and column of each key and
value by its path, and everything that is wrong with the text itself, not only the first of it.
What it is not: knowledge of what the data should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from tools.errors import RegistrationError
from tools.yaml_events import Builder

Path = tuple[str | int, ...]


class Mark(NamedTuple):
    """Both count from 1."""

    line: int
    column: int


class Fault(NamedTuple):
    """What is wrong with the text, and where; `path` is that of the mapping or list around it."""

    mark: Mark
    why: str
    path: Path = ()


@dataclass(frozen=True, slots=True)
class MarkedDocument:
    """`data` is what stands there; what an alias or `<<` brought stands where it was brought to."""

    data: Any
    keys: Mapping[Path, Mark] = field(default_factory=dict[Path, Mark])
    values: Mapping[Path, Mark] = field(default_factory=dict[Path, Mark])

    def value(self, path: Path) -> Mark:
        """Where the value begins, or the innermost around it that is known."""
        return self._innermost(self.values, path)

    def key(self, path: Path) -> Mark:
        """Where its key stands; of what has none, the value."""
        return self.keys.get(path) or self.value(path)

    @staticmethod
    def _innermost(marks: Mapping[Path, Mark], path: Path) -> Mark:
        found = (
            marks[path[:length]] for length in range(len(path), -1, -1) if path[:length] in marks
        )
        return next(found, Mark(1, 1))


def read_marked(text: str) -> tuple[list[MarkedDocument], list[Fault]]:
    """The documents of a text, and its faults. A document that is no YAML is not among them."""
    documents: list[MarkedDocument] = []
    faults: list[Fault] = []
    builder: _Builder | None = None
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.DocumentStartEvent):
                builder = _Builder(faults)
            elif isinstance(event, yaml.DocumentEndEvent) and builder is not None:
                documents.append(MarkedDocument(builder.root, builder.keys, builder.values))
            elif builder is not None:
                try:
                    builder.take(event)
                except RegistrationError as error:
                    faults.append(Fault(_mark(event.start_mark), error.why))
                    builder = None
    except yaml.YAMLError as error:
        why = getattr(error, "problem", None) or str(error).splitlines()[0]
        faults.append(Fault(_mark(getattr(error, "problem_mark", None)), f"no YAML: {why}"))
    return documents, faults


def _mark(mark: Any) -> Mark:
    """A mark of libyaml or of the reader in Python, which count from 0."""
    return Mark(1, 1) if mark is None else Mark(mark.line + 1, mark.column + 1)


class _Builder(Builder):
    def __init__(self, faults: list[Fault]) -> None:
        super().__init__()
        self._faults = faults
        self._paths: list[Path] = []
        self.keys: dict[Path, Mark] = {}
        self.values: dict[Path, Mark] = {}

    def wrong(self, event: yaml.Event, why: str) -> None:
        self._faults.append(Fault(_mark(event.start_mark), why, next(reversed(self._paths), ())))

    def _enter(self, event: yaml.CollectionStartEvent, made: dict[str, Any] | list[Any]) -> None:
        path = self._path()
        super()._enter(event, made)
        self._paths.append(path)

    def _leave(self, event: yaml.Event) -> None:
        super()._leave(event)
        self._paths.pop()

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        super()._take_key(event)
        self.keys[(*self._paths[-1], event.value)] = _mark(event.start_mark)

    def _add(self, event: yaml.Event, value: Any) -> None:
        self.values[self._path()] = _mark(event.start_mark)
        super()._add(event, value)

    def _path(self) -> Path:
        """Of the value that comes next."""
        if not self._open:
            return ()
        inside, key = self._open[-1], self._keys[-1]
        return (*self._paths[-1], len(inside) if key is None else key)
