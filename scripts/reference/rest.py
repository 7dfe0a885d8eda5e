"""docs/reference/rest.md, from the OpenAPI document, and errors from the code behind each route."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scripts.reference.errors import Raised, raised_by
from scripts.reference.writing import code, head, table, whole

JSON = dict[str, Any]
_ABOUT = (
    "Every route, from `GET /openapi.json`. Bodies are JSON, strict: a number is no text, and what is not named here is"
    " refused with `unknown_parameter`. Parameters without a default are required. Every route may answer with 401"
    " `invalid_api_key` where keys are asked for (but `/healthz` and `/readyz`), 503 `storage_unavailable`, and with 400"
    " `invalid_value`, `missing_parameter` or `unknown_parameter` for what it takes; routes that ask a model, with"
    " [what models may fail with](errors.md#from-behind-it). The others stand below each. MCP clients speak to"
    " `POST /mcp`: [mcp.md](../mcp.md)."
)
_OF_ALL = frozenset(
    "invalid_api_key invalid_value missing_parameter unknown_parameter storage_unavailable".split()
)
_DEEPEST = 1


def page() -> str:
    """The page."""
    from gateway.app import create_app

    async def never() -> Any:
        raise RuntimeError("only the document is asked for")

    app = create_app(never)
    document, endpoints = app.openapi(), dict(_endpoints(app.router.routes))
    schemas = document.get("components", {}).get("schemas", {})
    operations = [
        (tag, path, method.upper(), operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for tag in operation["tags"][:1]
    ]
    lines = head("REST", "the OpenAPI document", _ABOUT)
    for tag in dict.fromkeys(each[0] for each in operations):
        lines += ["", f"## {tag.capitalize()}"]
        of_tag = sorted(each[1:3] for each in operations if each[0] == tag)
        for path, method in of_tag:
            operation = document["paths"][path][method.lower()]
            lines += _operation(method, path, operation, schemas)
            lines += _errors(raised_by(endpoints[method, path]))
    return whole(lines)


def _endpoints(routes: Any) -> Iterator[tuple[tuple[str, str], Any]]:
    for route in routes:
        inner = getattr(getattr(route, "original_router", None), "routes", None)
        if inner is not None:
            yield from _endpoints(inner)
        elif getattr(route, "methods", None):
            endpoint = route.endpoint
            for method in route.methods:
                known = hasattr(endpoint, "__qualname__")
                yield (method, route.path), endpoint if known else type(endpoint)


def _operation(method: str, path: str, operation: JSON, schemas: JSON) -> Iterator[str]:
    told = operation.get("description") or operation.get("summary") or ""
    yield from ("", f"### `{method} {path}`", "", *told.strip().splitlines())
    answers = [status for status in operation["responses"] if status.startswith("2")]
    if answers != ["200"]:
        yield from ("", f"Answers with {', '.join(answers)}.")
    parameters = [
        (code(each["name"]), each["in"], *_described(each["schema"], schemas, each), _told(each))
        for each in operation.get("parameters", ())
    ]
    yield from table(("parameter", "in", "type", "default", ""), parameters)
    content = operation.get("requestBody", {}).get("content", {})
    if (body := content.get("application/json", {}).get("schema")) is not None:
        yield from table(("body", "type", "default", ""), list(_fields("", body, schemas, 0)))


def _fields(prefix: str, schema: JSON, schemas: JSON, depth: int) -> Iterator[tuple[str, ...]]:
    found = _resolved(schema, schemas)
    required = found.get("required", ())
    for name, described in found.get("properties", {}).items():
        full, demanded = f"{prefix}{name}", {"required": name in required}
        yield code(full), *_described(described, schemas, demanded), _told(described)
        inner = _object_in(described, schemas)
        if inner is not None and depth < _DEEPEST:
            yield from _fields(f"{full}.", inner, schemas, depth + 1)


def _object_in(schema: JSON, schemas: JSON) -> JSON | None:
    for each in (schema, *schema.get("anyOf", ())):
        found = _resolved(each, schemas)
        if "properties" in found:
            return found
    return None


def _resolved(schema: JSON, schemas: JSON) -> JSON:
    reference = schema.get("$ref")
    return schemas[reference.rpartition("/")[2]] if reference else schema


def _described(schema: JSON, schemas: JSON, told: JSON) -> tuple[str, str]:
    import json

    if told.get("required"):
        default = "required"
    elif "default" in schema:
        default = code(json.dumps(schema["default"], ensure_ascii=False))
    else:
        default = ""
    return _type(schema, schemas), default


def _type(schema: JSON, schemas: JSON) -> str:
    found = _resolved(schema, schemas)
    for several in ("anyOf", "oneOf"):
        if several in found:
            kinds = dict.fromkeys(_type(each, schemas) for each in found[several])
            return " or ".join(kinds)
    if "enum" in found:
        return ", ".join(code(each) for each in found["enum"])
    if "const" in found:
        return code(found["const"])
    kind = str(found.get("type", "any"))
    if kind == "array":
        return f"list of {_type(found.get('items', {}), schemas)}"
    bounds = [
        f"{sign} {found[key]}"
        for key, sign in (
            ("minimum", "≥"),
            ("exclusiveMinimum", ">"),
            ("maximum", "≤"),
            ("minLength", "length ≥"),
            ("maxLength", "length ≤"),
        )
        if key in found
    ]
    return f"{kind} {', '.join(bounds)}".strip()


def _told(described: JSON) -> str:
    return str(described.get("description", ""))


def _errors(found: set[Raised]) -> list[str]:
    said = sorted({(each.status, each.code) for each in found if each.code not in _OF_ALL})
    if not said:
        return []
    return ["", "Errors: " + ", ".join(f"{status} {code(name)}" for status, name in said) + "."]
