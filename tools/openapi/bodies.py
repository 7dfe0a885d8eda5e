"""What an operation takes as a body: JSON or a form, as fields or as a whole.

What it is: the media type that is sent, and whether the body's properties become arguments of their own.
They do when the body is a plain object; one with alternatives, with properties of any name, or that as a
whole is optional while parts of it are not, stays one argument named `body`.
What it is not: names of arguments (`tools.openapi.arguments`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from tools.errors import RegistrationError
from tools.openapi.document import Document, Node
from tools.openapi.parameters import Parameter, encoded_spelling, swagger_form_field

FORM = "application/x-www-form-urlencoded"
_PLAIN_OBJECT = {
    "type", "properties", "required", "description", "title", "example", "examples", "xml", "externalDocs",
    "additionalProperties", "$schema",
}  # fmt: skip
_NO_BODY = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Body:
    """`fields` are properties of the body; None when `whole` is sent as it is."""

    media_type: str
    fields: tuple[Parameter, ...] | None
    whole: Parameter | None
    required: bool


def read_body(
    document: Document, operation: Node, method: str, swagger: list[Node], notes: list[str]
) -> Body | None:
    """The body of an operation, or None. Raises `RegistrationError` for one that can't be sent."""
    body = (
        _swagger_body(document, operation, swagger)
        if document.is_swagger
        else _request_body(document, operation)
    )
    if body is not None and method in _NO_BODY:
        if body.required:
            raise operation.wrong(f"{method} with a body is not supported")
        notes.append(f"the body: {method} has none; left out")
        return None
    return body


def _request_body(document: Document, operation: Node) -> Body | None:
    found = operation.get("requestBody")
    if found is None:
        return None
    node = document.resolved(found)
    content = node.get("content")
    if content is None:
        raise node.wrong("a body needs `content`")
    media_type, media = _chosen(content)
    required = node.object().get("required") is True
    schema = media.get("schema") or Node({}, media.pointer)
    encoding = media.get("encoding")
    return _body(
        document, media_type, schema, node.text("description"), encoding, required=required
    )


def _chosen(content: Node) -> tuple[str, Node]:
    """JSON before forms, in the document's order."""
    offered = list(content.members())
    for spelled, media in offered:
        if _bare(spelled) == "application/json":
            return "application/json", media
    for spelled, media in offered:
        if _bare(spelled).endswith("+json"):
            return _bare(spelled), media
    for spelled, media in offered:
        if _bare(spelled) in ("*/*", "application/*"):
            return "application/json", media
    for spelled, media in offered:
        if _bare(spelled) == FORM:
            return FORM, media
    listed = ", ".join(spelled for spelled, _ in offered) or "nothing"
    raise content.wrong(f"bodies are sent as JSON or urlencoded forms; offered: {listed}")


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _body(
    document: Document,
    media_type: str,
    schema: Node,
    description: str,
    encoding: Node | None,
    *,
    required: bool,
) -> Body:
    target = document.resolved(schema)
    fields = _fields(document, target, encoding, is_form=media_type == FORM)
    if fields is not None and (required or not any(each.required for each in fields)):
        return Body(media_type, fields, None, required)
    if media_type == FORM and not document.may_be_object(target):
        raise schema.wrong("a form must be an object")
    if media_type == FORM and encoding is not None and encoding.object():
        raise encoding.wrong("only a plain object of properties can have encodings")
    whole = Parameter("body", "body", schema, "json", required, description)
    return Body(media_type, None, whole, required)


def _fields(
    document: Document, schema: Node, encoding: Node | None, *, is_form: bool
) -> tuple[Parameter, ...] | None:
    """The properties as parameters, or None when the object is more than its properties."""
    properties = schema.get("properties")
    if properties is None:
        return None
    fields = schema.object()
    meaning = {key for key in fields if not key.startswith("x-")}
    if (
        not properties.object()
        or not meaning <= _PLAIN_OBJECT
        or fields.get("type", "object") != "object"
        or fields.get("additionalProperties", False) is not False
    ):
        return None
    required = fields.get("required", [])
    if not isinstance(required, list):
        raise RegistrationError(f"{schema.pointer}/required", "must be an array of names")
    needed = cast("list[Any]", required)
    if any(name not in properties.object() for name in needed):
        return None
    found: list[Parameter] = []
    for name in properties.object():
        inner = properties.get(name)
        if inner is None or document.says(inner, "readOnly"):
            continue
        spelling = "json"
        if is_form:
            each = encoding.get(name) if encoding is not None else None
            spelling = encoded_spelling(each, is_object=document.may_be_object(inner))
        found.append(Parameter(name, "body", inner, spelling, name in needed))
    return tuple(found)


def _swagger_body(document: Document, operation: Node, swagger: list[Node]) -> Body | None:
    bodies = [node for node in swagger if node.text("in") == "body"]
    forms = [node for node in swagger if node.text("in") == "formData"]
    if not bodies and not forms:
        return None
    if len(bodies) > 1 or (bodies and forms):
        raise operation.wrong("more than one body")
    consumed = operation.get("consumes") or document.root.get("consumes")
    types = [_bare(str(each.value)) for each in consumed.items()] if consumed is not None else []
    if forms:
        if types and FORM not in types:
            raise operation.wrong(f"forms are sent urlencoded; consumed: {', '.join(types)}")
        fields = tuple(swagger_form_field(node) for node in forms)
        return Body(FORM, fields, None, any(each.required for each in fields))
    node = bodies[0]
    json_types = [each for each in types if each == "application/json" or each.endswith("+json")]
    if types and not json_types and not {"*/*", "application/*"} & set(types):
        raise operation.wrong(f"bodies are sent as JSON; consumed: {', '.join(types)}")
    media_type = (
        "application/json"
        if "application/json" in types
        else next(iter(json_types), "application/json")
    )
    schema = node.get("schema") or Node({}, node.pointer)
    required = node.object().get("required") is True
    return _body(document, media_type, schema, node.text("description"), None, required=required)
