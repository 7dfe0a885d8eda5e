"""What an operation takes in its path, query and headers.

What it is: the parameters of a path and an operation merged, each with its schema and the spelling that
its style asks for. An optional parameter that can't be spelled is left out with a note, a required one
refuses the operation.
What it is not: bodies (`tools.openapi.bodies`), names of arguments (`tools.openapi.arguments`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from tools.errors import RegistrationError
from tools.executors.http_template import HEADER_NAME, RESERVED_HEADERS
from tools.executors.openapi import Place, Spelling
from tools.openapi.document import Document, Node
from tools.wording import show

_SET_HERE = {"accept", "content-type", "authorization", "idempotency-key", "user-agent"}
"""Headers that the gateway sends itself; OpenAPI says of the first three that they are no parameters."""
_SWAGGER_SPELLINGS: dict[str, Spelling] = {
    "csv": "comma",
    "ssv": "space",
    "tsv": "tab",
    "pipes": "pipe",
    "multi": "repeat",
}
_SWAGGER_SCHEMA = (
    "type", "format", "items", "default", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum",
    "maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "enum", "multipleOf",
    "x-nullable",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value: its name on the wire, its schema, and whether it has to be given."""

    name: str
    place: Place
    schema: Node
    spelling: Spelling = "repeat"
    required: bool = False
    description: str = ""


class _Unsupported(Exception):
    """A parameter that can't be sent; `str()` says why."""


def read_parameters(
    document: Document, path_item: Node, operation: Node, notes: list[str]
) -> tuple[list[Parameter], list[Node]]:
    """Parameters of path, query and header, and Swagger's body and form parameters as they are.

    `notes` grows by what is left out. Raises `RegistrationError` for what is required and can't be sent.
    """
    found: list[Parameter] = []
    swagger: list[Node] = []
    for (place, name), node in _merged(document, path_item, operation).items():
        if place in ("body", "formData") and document.is_swagger:
            swagger.append(node)
            continue
        if place == "header" and name.lower() in _SET_HERE:
            continue
        required = node.object().get("required") is True or place == "path"
        try:
            found.append(_parameter(document, node, place, name, required=required))
        except _Unsupported as error:
            why = f"the {place} parameter {show(name)}: {error}"
            if required:
                raise node.wrong(why) from error
            notes.append(f"{why}; left out")
    return found, swagger


def _merged(document: Document, path_item: Node, operation: Node) -> dict[tuple[str, str], Node]:
    """By place and name; an operation's own parameter takes the place of its path's."""
    merged: dict[tuple[str, str], Node] = {}
    for owner in (path_item, operation):
        listed = owner.get("parameters")
        seen: set[tuple[str, str]] = set()
        for each in listed.items() if listed is not None else ():
            node = document.resolved(each)
            place, name = node.object().get("in"), node.object().get("name")
            if not isinstance(place, str) or not isinstance(name, str) or not name:
                raise node.wrong("a parameter needs `name` and `in`")
            key = (place, name.lower() if place == "header" else name)
            if key in seen:
                raise node.wrong(f"the {place} parameter {show(name)} stands twice")
            seen.add(key)
            merged[key] = node
    return {(place, node.text("name")): node for (place, _), node in merged.items()}


def _parameter(
    document: Document, node: Node, place: str, name: str, *, required: bool
) -> Parameter:
    if place not in ("path", "query", "header"):
        raise _Unsupported(f"parameters in {show(place)} are not supported")
    if place == "header" and (not HEADER_NAME.fullmatch(name) or name.lower() in RESERVED_HEADERS):
        raise _Unsupported("no header that a tool may set")
    where = cast("Place", place)
    description = node.text("description")
    if document.is_swagger:
        spelling = _swagger_spelling(node)
        schema = Node(
            {k: v for k, v in node.object().items() if k in _SWAGGER_SCHEMA}, node.pointer
        )
        return Parameter(name, where, schema, spelling, required, description)
    schema, spelling = _content(node) or (_schema(node), _spelling(node, where))
    if spelling not in ("json", "deep") and document.may_be_object(schema):
        raise _Unsupported("an object needs the style deepObject, or `content` with JSON")
    return Parameter(name, where, schema, spelling, required, description)


def _schema(node: Node) -> Node:
    schema = node.get("schema")
    if schema is None:
        raise node.wrong("a parameter needs `schema` or `content`")
    return schema


def _content(node: Node) -> tuple[Node, Spelling] | None:
    content = node.get("content")
    if content is None:
        return None
    for media_type, inner in content.members():
        if media_type.partition(";")[0].strip().endswith(("/json", "+json")):
            return inner.get("schema") or Node({}, inner.pointer), "json"
    raise _Unsupported(f"content other than JSON: {', '.join(content.object())}")


def _spelling(node: Node, place: Place) -> Spelling:
    if place in ("path", "header"):
        if (style := node.text("style") or "simple") != "simple":
            raise _Unsupported(f"the style {show(style)} is not supported")
        return "comma"
    return spelling_of(node)


def spelling_of(node: Node) -> Spelling:
    """The spelling of `style` and `explode` in a query or a form."""
    style, explode = node.text("style") or "form", node.object().get("explode")
    if style == "deepObject":
        return "deep"
    if style not in ("form", "spaceDelimited", "pipeDelimited"):
        raise _Unsupported(f"the style {show(style)} is not supported")
    if explode is True or (explode is None and style == "form"):
        return "repeat"
    delimited: dict[str, Spelling] = {"spaceDelimited": "space", "pipeDelimited": "pipe"}
    return delimited.get(style, "comma")


def _swagger_spelling(node: Node) -> Spelling:
    said = node.text("collectionFormat") or "csv"
    if said not in _SWAGGER_SPELLINGS:
        raise _Unsupported(f"the collectionFormat {show(said)} is not supported")
    return _SWAGGER_SPELLINGS[said]


def swagger_form_field(node: Node) -> Parameter:
    """A `formData` parameter of version 2. Raises `RegistrationError` for files."""
    if node.text("type") == "file":
        raise node.wrong("files are not supported")
    try:
        spelling = _swagger_spelling(node)
    except _Unsupported as error:
        raise node.wrong(str(error)) from error
    schema = Node({k: v for k, v in node.object().items() if k in _SWAGGER_SCHEMA}, node.pointer)
    required = node.object().get("required") is True
    return Parameter(
        node.text("name"), "body", schema, spelling, required, node.text("description")
    )


def encoded_spelling(encoding: Node | None, *, is_object: bool) -> Spelling:
    """How a form spells a property. Raises `RegistrationError` for an encoding that is not supported."""
    if encoding is None or not encoding.object().keys() & {"style", "explode"}:
        return "json" if is_object else "repeat"
    try:
        spelling = spelling_of(encoding)
    except _Unsupported as error:
        raise encoding.wrong(str(error)) from error
    if is_object and spelling != "deep":
        raise RegistrationError(encoding.pointer, "an object in a form needs the style deepObject")
    return spelling
