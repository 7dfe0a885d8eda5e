"""An OpenAPI document as data: its version, and the references inside it.

What it is: a `Node` is a value together with its JSON pointer (`#/paths/~1pets/get`), so that whatever is
wrong can be told with its place, and following a reference keeps the place of what it leads to.
What it is not: schemas (`tools.openapi.dialect`). References out of the document are refused, never read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import unquote

from tools.errors import RegistrationError
from tools.wording import show

Version = Literal["2.0", "3.0", "3.1", "3.2"]
_MAX_HOPS = 32
_DIALECTS = (
    "https://spec.openapis.org/oas/3.1/",
    "https://spec.openapis.org/oas/3.2/",
    "https://json-schema.org/draft/2020-12/schema",
)


def pointer_to(pointer: str, key: str) -> str:
    """The pointer of a member."""
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the document and where it stands."""

    value: Any
    pointer: str

    def get(self, key: str) -> Node | None:
        """The member of an object, or None."""
        value = self.value
        if not isinstance(value, dict):
            return None
        fields = cast("dict[str, Any]", value)
        return Node(fields[key], pointer_to(self.pointer, key)) if key in fields else None

    def text(self, key: str) -> str:
        """A member that is text, else nothing."""
        found = self.get(key)
        return found.value if found is not None and isinstance(found.value, str) else ""

    def members(self) -> Iterator[tuple[str, Node]]:
        """The members of an object in their order, without extensions. Raises for what is no object."""
        for key, each in self.object().items():
            if not key.startswith("x-"):
                yield key, Node(each, pointer_to(self.pointer, key))

    def items(self) -> Iterator[Node]:
        """The items of an array. Raises `RegistrationError` for what is none."""
        value = self.value
        if not isinstance(value, list):
            raise self.wrong("must be an array")
        for index, each in enumerate(cast("list[Any]", value)):
            yield Node(each, pointer_to(self.pointer, str(index)))

    def object(self) -> dict[str, Any]:
        """The value, which has to be an object."""
        value = self.value
        if not isinstance(value, dict):
            raise self.wrong("must be an object")
        return cast("dict[str, Any]", value)

    def wrong(self, why: str) -> RegistrationError:
        """What to raise for this place."""
        return RegistrationError(self.pointer, why)


class Document:
    """A document of a version that is known. Raises `RegistrationError` for any other."""

    def __init__(self, data: Any) -> None:
        self.root = Node(data, "#")
        self.version = _version(self.root)
        dialect = self.root.get("jsonSchemaDialect")
        if dialect is not None and not str(dialect.value).startswith(_DIALECTS):
            raise dialect.wrong(f"the dialect {show(dialect.value)} is not supported")
        if self.root.get("paths") is None:
            raise RegistrationError("#/paths", "is missing: there are no operations")

    @property
    def is_swagger(self) -> bool:
        """Version 2: other names for parameters, bodies, servers and security."""
        return self.version == "2.0"

    @property
    def has_own_dialect(self) -> bool:
        """Versions 2.0 and 3.0 have a JSON Schema of their own."""
        return self.version in ("2.0", "3.0")

    def resolved(self, node: Node) -> Node:
        """What a node refers to, or itself. Raises `RegistrationError` at the reference."""
        for _ in range(_MAX_HOPS):
            ref = node.get("$ref")
            if ref is None:
                return node
            node = self.target(ref)
        raise node.wrong("refers to itself")

    def says(self, schema: Node, keyword: str) -> bool:
        """Whether a schema, or what it refers to, says `keyword: true`."""
        for each in (schema, self.resolved(schema)):
            found = each.get(keyword)
            if found is not None and found.value is True:
                return True
        return False

    def may_be_object(self, schema: Node) -> bool:
        """Whether a schema, or what it refers to, is that of an object."""
        target = self.resolved(schema)
        if target.get("properties") is not None:
            return True
        found = target.get("type")
        kind = None if found is None else found.value
        return kind == "object" or (isinstance(kind, list) and "object" in kind)

    def target(self, ref: Node) -> Node:
        """What the value of a `$ref` leads to, which may be a reference again."""
        if not isinstance(ref.value, str):
            raise ref.wrong("must be text")
        if not ref.value.startswith("#"):
            raise ref.wrong(
                f"{show(ref.value)} leaves the document and is never fetched: bundle it into one file"
            )
        found = self.root
        for part in unquote(ref.value[1:]).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            below = _item(found, key) if isinstance(found.value, list) else found.get(key)
            if below is None:
                raise ref.wrong(f"{show(ref.value)} leads nowhere")
            found = below
        if found is self.root and ref.value != "#":
            raise ref.wrong(f"{show(ref.value)} leads nowhere")
        return found


def _item(node: Node, key: str) -> Node | None:
    items = cast("list[Any]", node.value)
    if not key.isdecimal() or len(key) > 9 or int(key) >= len(items):
        return None
    return Node(items[int(key)], pointer_to(node.pointer, key))


def _version(root: Node) -> Version:
    fields = root.object()
    if "swagger" in fields:
        if str(fields["swagger"]) in ("2.0", "2"):
            return "2.0"
        raise RegistrationError("#/swagger", f"version {show(fields['swagger'])}: 2.0 is known")
    said = fields.get("openapi")
    if said is None:
        raise RegistrationError("#/openapi", "is missing: this is no OpenAPI document")
    for version in ("3.0", "3.1", "3.2"):
        if str(said) == version or str(said).startswith(f"{version}."):
            return version
    raise RegistrationError("#/openapi", f"version {show(said)}: 3.0, 3.1 and 3.2 are known")
