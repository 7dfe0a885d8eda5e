"""Schemas of an OpenAPI document as JSON Schema 2020-12 that stands on its own.

What it is: for one tool's schema, conversion of what OpenAPI 2.0 and 3.0 spell differently (`nullable`,
boolean `exclusiveMinimum`, `example`), without what says nothing about values (`xml`, `discriminator`,
extensions), and with everything that is referred to in `$defs`; what is used once stands in its place.
What it is not: the rules for tools' schemas, which the registry applies afterwards.

Raises `RegistrationError` whose `where` is a JSON pointer into the document.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Literal, cast

from tools.errors import RegistrationError
from tools.openapi.document import Document, Node, pointer_to
from tools.patterns import BadPattern, compile_pattern
from tools.schema_document import ONE_SCHEMA, SCHEMA_LISTS, SCHEMA_MAPS
from tools.wording import show

Hidden = Literal["readOnly", "writeOnly"]
"""Which properties are left out: requests have none that are read-only, answers none that are write-only."""

MAX_DEFINITIONS = 300
_MAX_INLINED_DEPTH = 20
_NOT_ABOUT_VALUES = {
    "xml",
    "discriminator",
    "externalDocs",
    "example",
    "nullable",
    "collectionFormat",
}
_BESIDE_A_REFERENCE = {
    "title",
    "description",
    "deprecated",
    "default",
    "examples",
    "readOnly",
    "writeOnly",
}
_DEFINED = "#/$defs/"

_Change = Callable[[Any, tuple[str, ...]], Any]


class Dialect:
    """Converts the schemas of one tool. `notes` says what was left out on the way."""

    def __init__(self, document: Document, hidden: Hidden) -> None:
        self._document = document
        self._hidden: Hidden = hidden
        self._names: dict[str, str] = {}
        self._pending: list[tuple[str, Node]] = []
        self.notes: list[str] = []

    def convert(self, schema: Node) -> Any:
        """One schema. References in it are to `$defs`, which `finish` adds."""
        if isinstance(schema.value, bool):
            return schema.value
        fields = schema.object()
        if "$ref" in fields:
            return self._reference(schema)
        kept = {
            key: value
            for key, value in fields.items()
            if key not in _NOT_ABOUT_VALUES and not key.startswith("x-")
        }
        made = _mapped(kept, lambda value, keys: self.convert(_below(schema, value, keys)))
        self._drop_hidden(schema, made)
        self._drop_pattern(schema, made)
        if "example" in fields and "examples" not in made:
            made["examples"] = [fields["example"]]
        if fields.get("type") == "file":
            raise RegistrationError(f"{schema.pointer}/type", "files are not supported")
        return _modern(fields, made) if self._document.has_own_dialect else made

    def finish(self, root: dict[str, Any]) -> dict[str, Any]:
        """`root` with the definitions that it needs."""
        defined: dict[str, Any] = {}
        while self._pending:
            name, schema = self._pending.pop()
            defined[name] = self.convert(schema)
        return _with_definitions(root, defined)

    def _reference(self, schema: Node) -> dict[str, Any]:
        ref = Node(schema.object()["$ref"], pointer_to(schema.pointer, "$ref"))
        target = self._document.target(ref)
        name = self._names.get(target.pointer)
        if name is None:
            if len(self._names) >= MAX_DEFINITIONS:
                raise ref.wrong(f"more than {MAX_DEFINITIONS} schemas in one tool")
            name = self._names[target.pointer] = self._free_name(target.pointer)
            self._pending.append((name, target))
        beside = {k: v for k, v in schema.object().items() if k != "$ref"}
        if self._document.has_own_dialect or not beside:  # where it has no meaning
            return {"$ref": _DEFINED + name}
        return {"$ref": _DEFINED + name, **self.convert(Node(beside, schema.pointer))}

    def _free_name(self, pointer: str) -> str:
        plain = re.sub(r"[^A-Za-z0-9_.-]", "_", pointer.rpartition("/")[2])[:80] or "schema"
        name, taken, number = plain, set(self._names.values()), 1
        while name in taken:
            number += 1
            name = f"{plain}_{number}"
        return name

    def _drop_hidden(self, schema: Node, made: dict[str, Any]) -> None:
        properties = schema.get("properties")
        if properties is None:
            return
        gone = [
            name
            for name in properties.object()
            if (inner := properties.get(name)) is not None
            and self._document.says(inner, self._hidden)
        ]
        for name in gone:
            del made["properties"][name]
        if gone and isinstance(made.get("required"), list):
            made["required"] = [name for name in made["required"] if name not in gone]
            if not made["required"]:
                del made["required"]

    def _drop_pattern(self, schema: Node, made: dict[str, Any]) -> None:
        if not isinstance(made.get("pattern"), str):
            return
        try:
            compile_pattern(made["pattern"])
        except BadPattern as error:
            self.notes.append(
                f"{schema.pointer}/pattern: {show(made.pop('pattern'))} is not checked: {error}"
            )


def _below(schema: Node, value: Any, keys: tuple[str, ...]) -> Node:
    pointer = schema.pointer
    for key in keys:
        pointer = pointer_to(pointer, key)
    return Node(value, pointer)


def _mapped(schema: dict[str, Any], change: _Change) -> dict[str, Any]:
    """A copy with `change(subschema, keys)` in the place of each subschema; odd forms stay as they are."""
    made = dict(schema)
    for key, value in schema.items():
        if key in ONE_SCHEMA and isinstance(value, dict | bool):
            made[key] = change(value, (key,))
        elif key in SCHEMA_LISTS and isinstance(value, list):
            items = enumerate(cast("list[Any]", value))
            made[key] = [change(each, (key, str(index))) for index, each in items]
        elif key in SCHEMA_MAPS and isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            made[key] = {name: change(each, (key, name)) for name, each in inner.items()}
    return made


def _modern(fields: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """What 2.0 and 3.0 say in words of their own."""
    for bound, exclusive in (
        ("minimum", "exclusiveMinimum"),
        ("maximum", "exclusiveMaximum"),
    ):
        if isinstance(made.get(exclusive), bool) and made.pop(exclusive) and bound in made:
            made[exclusive] = made.pop(bound)
    if fields.get("nullable", fields.get("x-nullable")) is not True:
        return made
    if isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        return made
    outside = {key: made.pop(key) for key in tuple(made) if key in _BESIDE_A_REFERENCE}
    return {**outside, "anyOf": [made, {"type": "null"}]} if made else outside


def _with_definitions(root: dict[str, Any], defined: dict[str, Any]) -> dict[str, Any]:
    used = Counter(name for each in (root, *defined.values()) for name in _references(each))

    def inlined(schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict):
            return schema
        fields = cast("dict[str, Any]", schema)
        name = _referred(fields)
        if (
            name is not None
            and used[name] == 1
            and depth < _MAX_INLINED_DEPTH
            and isinstance(defined[name], dict)
            and fields.keys() <= {"$ref", *_BESIDE_A_REFERENCE}
        ):
            beside = {key: value for key, value in fields.items() if key != "$ref"}
            return {**inlined(defined[name], depth + 1), **beside}
        return _mapped(fields, lambda value, _: inlined(value, depth + 1))

    made = inlined(root, 0)
    needed: dict[str, Any] = {}
    todo = list(_references(made))
    while todo:
        if (name := todo.pop()) not in needed:
            needed[name] = inlined(defined[name], 0)
            todo.extend(_references(needed[name]))
    return {**made, "$defs": dict(sorted(needed.items()))} if needed else made


def _references(schema: Any) -> Iterator[str]:
    todo: list[Any] = [schema]
    while todo:
        each = todo.pop()
        if not isinstance(each, dict):
            continue
        fields = cast("dict[str, Any]", each)
        if (name := _referred(fields)) is not None:
            yield name
        _mapped(fields, lambda value, _: todo.append(value))


def _referred(schema: dict[str, Any]) -> str | None:
    ref = schema.get("$ref")
    return ref.removeprefix(_DEFINED) if isinstance(ref, str) else None
