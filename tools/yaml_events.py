"""YAML read into JSON's data, as YAML 1.2 means it.

What it is: a builder over libyaml's events. Keys are always text (`200:` is "200"), only plain `true`,
`null` and numbers are not text (a date is text, and so are `on` and `no`), a key twice in a mapping is
an error, an alias shares what it names and `<<` merges it.
What it is not: a bound on what aliases unfold to; `tools.openapi.reading` walks over the result. Where values
stand is noted by `tools.yaml_marks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

import yaml

from tools.errors import RegistrationError

MAX_DEPTH = 100
MAX_MERGED = 100_000
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,300}|[0-9]{1,300}(\.[0-9]{0,300})?)([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TEXT = "tag:yaml.org,2002:str"
_MAPPING = "tag:yaml.org,2002:map"
_SEQUENCE = "tag:yaml.org,2002:seq"


def read_yaml(text: str) -> Any:
    """The one document in `text`. Raises `RegistrationError` whose `where` is a line."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return Builder().build(cast("Iterable[yaml.Event]", yaml.parse(text, Loader=loader)))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark is not None else "#"
        raise RegistrationError(line, f"no YAML: {getattr(error, 'problem', error)}") from error


class Builder:
    """Values from events. Where something is wrong and can be passed over, `wrong` decides whether it is."""

    def __init__(self) -> None:
        self._open: list[dict[str, Any] | list[Any]] = []
        self._keys: list[str | None] = []
        self._merges: list[list[dict[str, Any]]] = []
        self._anchors: dict[str, Any] = {}
        self._merged = 0
        self.root: Any = None

    def build(self, events: Iterable[yaml.Event]) -> Any:
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _refused(event, "more than one YAML document")
            self.take(event)
        return self.root

    def take(self, event: yaml.Event) -> None:
        """Raises `RegistrationError` for what can't be passed over; `root` is whole after the last event."""
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.MappingStartEvent():
                self._enter(event, cast("dict[str, Any]", {}))
            case yaml.SequenceStartEvent():
                self._enter(event, cast("list[Any]", []))
            case yaml.CollectionEndEvent():
                self._leave(event)
            case _:
                pass

    def wrong(self, event: yaml.Event, why: str) -> None:
        """Raises `RegistrationError`."""
        raise _refused(event, why)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self._wants_key():
            self._take_key(event)
            return
        if event.tag not in (None, "!", _TEXT) and not event.implicit[0]:
            self.wrong(event, f"the tag {event.tag} is not supported")
        value = _value(event)
        if event.anchor:
            self._anchors[event.anchor] = value
        self._add(event, value)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if self._wants_key():
            raise _refused(event, "a key must be text")
        if event.anchor not in self._anchors:
            self.wrong(event, f"*{event.anchor} names nothing")
        self._add(event, self._anchors.get(str(event.anchor)))

    def _enter(self, event: yaml.CollectionStartEvent, made: dict[str, Any] | list[Any]) -> None:
        if self._wants_key():
            raise _refused(event, "a key must be text")
        if event.tag not in (None, "!", _MAPPING if isinstance(made, dict) else _SEQUENCE):
            self.wrong(event, f"the tag {event.tag} is not supported")
        if len(self._open) >= MAX_DEPTH:
            raise _refused(event, f"nested more than {MAX_DEPTH} deep")
        if event.anchor:
            self._anchors[event.anchor] = made
        self._add(event, made)
        self._open.append(made)
        self._keys.append(None)
        self._merges.append([])

    def _leave(self, event: yaml.Event) -> None:
        """Keys that a mapping has itself go before those that are merged into it."""
        made, merges = self._open.pop(), self._merges.pop()
        self._keys.pop()
        for merged in merges:
            self._merged += len(merged)
            if self._merged > MAX_MERGED:
                raise _refused(event, f"`<<` merges more than {MAX_MERGED} keys")
            for name, value in list(merged.items()):
                cast("dict[str, Any]", made).setdefault(name, value)

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], dict) and self._keys[-1] is None

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        inside = cast("dict[str, Any]", self._open[-1])
        if event.value in inside:
            self.wrong(event, f"the key {event.value[:80]!r} stands twice in one mapping")
        self._keys[-1] = event.value

    def _add(self, event: yaml.Event, value: Any) -> None:
        if not self._open:
            self.root = value
            return
        inside = self._open[-1]
        if isinstance(inside, list):
            inside.append(value)
            return
        key, self._keys[-1] = self._keys[-1], None
        assert key is not None  # noqa: S101  # a value follows its key
        if key != "<<":
            inside[key] = value
            return
        for each in cast("list[Any]", value) if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                self._merges[-1].append(cast("dict[str, Any]", each))
            else:
                self.wrong(event, "`<<` merges mappings only")


def _value(event: yaml.ScalarEvent) -> Any:
    text, is_plain = event.value, event.implicit[0]
    if not is_plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _refused(event: yaml.Event, why: str) -> RegistrationError:
    line = event.start_mark.line + 1 if event.start_mark else 0
    return RegistrationError(f"line {line}", why)
