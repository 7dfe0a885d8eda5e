"""What an operation returns: the schema of its success in JSON, when there is one.

What it is: the schema of the first 2xx response, as JSON Schema 2020-12. Several successes with different
schemas promise nothing, and neither does one that can't be read; both are noted.
"""

from __future__ import annotations

from typing import Any, cast

from tools.errors import RegistrationError
from tools.openapi.dialect import Dialect
from tools.openapi.document import Document, Node


def read_returns(document: Document, operation: Node, notes: list[str]) -> dict[str, Any] | None:
    """The schema of what comes back, or None. Never raises: an answer that isn't described is no fault."""
    try:
        found = _schemas(document, operation)
        if not found or any(each.value != found[0].value for each in found):
            return None
        dialect = Dialect(document, "writeOnly")
        schema = dialect.convert(found[0])
        return dialect.finish(cast("dict[str, Any]", schema)) if isinstance(schema, dict) else None
    except RegistrationError as error:
        notes.append(f"what it returns is not declared: {error}")
        return None


def _schemas(document: Document, operation: Node) -> list[Node]:
    responses = operation.get("responses")
    found: list[Node] = []
    for status, each in responses.members() if responses is not None else ():
        if len(status) != 3 or not status.startswith("2"):
            continue
        response = document.resolved(each)
        schema = response.get("schema") if document.is_swagger else _json_schema(response)
        if schema is not None:
            found.append(schema)
    return found


def _json_schema(response: Node) -> Node | None:
    content = response.get("content")
    for media_type, media in content.members() if content is not None else ():
        if media_type.partition(";")[0].strip().lower().endswith(("/json", "+json")):
            return media.get("schema")
    return None
