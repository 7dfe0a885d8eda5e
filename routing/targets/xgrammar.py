"""xgrammar, which vLLM takes first for a JSON schema (`response_format`, a forced choice without a grammar).

What vLLM 0.32 keeps from it goes to llguidance there (`refused`). What xgrammar 0.2 takes and does not hold
a model to is `wider`; the rest was seen by asking it (`tests/targets`): it reads one keyword for a choice
and skips those beside it, and matches patterns against the whole text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from routing.grammar.patterns import expressible_pattern
from routing.grammar.subset import are_disjoint
from routing.targets.target import Compiled, Schema, binding, changed, kinds

TARGET = "xgrammar (vLLM)"
_FORMATS = frozenset(
    {
        *("email", "date", "time", "date-time", "duration", "ipv4", "ipv6", "hostname", "uuid"),
        *("uri", "uri-reference", "uri-template", "json-pointer", "relative-json-pointer"),
    }
)
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_READ: dict[str, tuple[str, ...]] = {
    "string": ("pattern", "format", "minLength", "maxLength"),
    "integer": _BOUNDS,
    "number": _BOUNDS,
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "object": (
        *("properties", "required", "additionalProperties", "patternProperties"),
        *("propertyNames", "minProperties", "maxProperties"),
    ),
}
_READS_AS: dict[str, tuple[str, ...]] = {
    "object": ("properties", "additionalProperties", "unevaluatedProperties"),
    "array": ("items", "prefixItems", "unevaluatedItems"),
}
"""What a schema without a type is taken for, by a keyword in it."""
_NOTHING_ALONE = ("minContains", "maxContains", "then", "else")
_CHOICES = ("$ref", "const", "enum", "anyOf", "oneOf", "allOf")
_KIND_OF: dict[type[Any], str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


def compile_xgrammar(schema: Mapping[str, Any]) -> Compiled:
    """What vLLM with xgrammar holds a model to where it is sent `schema`."""
    walk = _XGrammar()
    enforced = changed(schema, walk.node)
    if walk.refused:
        return Compiled(TARGET, None, None, refused=tuple(walk.refused))
    return Compiled(TARGET, dict(schema), enforced, tuple(walk.wider), tuple(walk.narrower))


class _XGrammar:
    """One walk over the schema, reading it as xgrammar does."""

    def __init__(self) -> None:
        self.wider: list[str] = []
        self.narrower: list[str] = []
        self.refused: list[str] = []

    def node(self, node: Schema, path: str) -> Schema:
        self.refused.extend(f"{path}.{key}" for key in _refused(node))
        held = {key: node[key] for key in ("$defs", "definitions", "$id", "$anchor") if key in node}
        choice = next((key for key in _CHOICES if key in node), None)
        if choice is not None:
            return {**held, **self._choice(node, choice, path)}
        types = kinds(node) or self._guessed(node, path)
        read: set[str] = {"type", *(key for kind in types for key in _READ.get(kind, ()))}
        if not kinds(node) and not types:
            read = set[str]()
        self._skips(node, read, path)
        result = {**held, **{key: value for key, value in node.items() if key in read}}
        if types and not kinds(node):
            result["type"] = sorted(types)
        if "string" in types:
            self._text(result, path)
        if "array" in types:
            self._array(result, path)
        if "object" in types:
            self._object(result, path)
        return result

    def _skips(self, node: Schema, read: set[str], path: str) -> None:
        types = kinds(node)
        for key in binding(node, *read):
            elsewhere = {kind for kind, keys in _READ.items() if key in keys}
            if key in _NOTHING_ALONE:
                continue  # nothing by themselves
            if not (types and elsewhere and not elsewhere & types):
                self.wider.append(f"{path}.{key}")

    def _choice(self, node: Schema, choice: str, path: str) -> Schema:
        chosen: Any = node[choice]
        for key in binding(node, choice):
            if key == "type" and choice in ("const", "enum"):
                values = [chosen] if choice == "const" else cast("list[Any]", chosen)
                if all(_is_of(value, kinds(node)) for value in values):
                    continue
            self.wider.append(f"{path}.{key}")
        if choice == "oneOf":
            if not are_disjoint(chosen):
                self.wider.append(f"{path}.oneOf")
            return {"anyOf": chosen}
        return {choice: chosen}

    def _guessed(self, node: Schema, path: str) -> frozenset[str]:
        for kind, keys in _READS_AS.items():
            if any(key in node for key in keys):
                self.narrower.append(path)
                return frozenset({kind})
        return frozenset()

    def _text(self, result: Schema, path: str) -> None:
        if "format" in result:
            self.narrower.append(f"{path}.format")
            if "pattern" in result:
                self.wider.append(f"{path}.pattern")
                del result["pattern"]
        elif isinstance(pattern := result.get("pattern"), str):
            whole = pattern.startswith("^") and pattern.endswith("$")
            if not whole:
                self.narrower.append(f"{path}.pattern")
            result["pattern"] = f"^(?:{pattern.removeprefix('^').removesuffix('$')})$"

    def _array(self, result: Schema, path: str) -> None:
        if "prefixItems" in result and "items" not in result:
            self.narrower.append(f"{path}.prefixItems")
            result["items"] = False

    def _object(self, result: Schema, path: str) -> None:
        silent = "additionalProperties" not in result
        if isinstance(names := result.get("propertyNames"), Mapping):
            result["propertyNames"] = {"type": "string", **names}
        if "patternProperties" in result:
            self.narrower.append(f"{path}.patternProperties")
            result["patternProperties"] = {
                f"^(?:{name.removeprefix('^').removesuffix('$')})$": value
                for name, value in result["patternProperties"].items()
            }
        if silent and {"properties", "patternProperties"} & result.keys():
            self.narrower.append(path)
            result["additionalProperties"] = False
        declared = set(result.get("properties", ()))
        if not set(result.get("required", ())) <= declared:
            self.wider.append(f"{path}.required")
            result["required"] = [name for name in result["required"] if name in declared]


def _refused(node: Schema) -> list[str]:
    """The keywords that make vLLM keep a schema from xgrammar, or xgrammar refuse it."""
    types, found = kinds(node), list[str]()
    if types & {"integer", "number"} and "multipleOf" in node:
        found.append("multipleOf")
    if "array" in types:
        unread = ("uniqueItems", "contains", "minContains", "maxContains")
        found += [key for key in unread if key in node]
    if "string" in types:
        if "format" in node and node["format"] not in _FORMATS:
            found.append("format")
        if ("pattern" in node or "format" in node) and ("minLength" in node or "maxLength" in node):
            found.append("pattern" if "pattern" in node else "format")
    if "pattern" in node and expressible_pattern(node["pattern"]) is None:
        found.append("pattern")
    if "object" in types:
        named: Any = node.get("patternProperties", {})
        beside = ("patternProperties", "properties")
        if "propertyNames" in node and any(key in node for key in beside):
            found.append("propertyNames")
        if named and ("properties" in node or len(named) > 1):
            found.append("patternProperties")
    if len(node.get("allOf", ())) > 1:
        found.append("allOf")
    nothing = ("properties", "anyOf", "oneOf", "allOf")
    found += [key for key in nothing if any(each is False for each in _inside(node.get(key)))]
    if any(isinstance(each, bool) for each in _inside(node.get("prefixItems"))):
        found.append("prefixItems")
    return found


def _inside(parts: Any) -> Iterable[Any]:
    return cast("Schema", parts).values() if isinstance(parts, Mapping) else parts or ()


def _is_of(value: Any, types: frozenset[str]) -> bool:
    python = cast("type[Any]", type(value))
    kind = _KIND_OF.get(python, "array" if python is list else "object")
    return kind in types or (kind == "integer" and "number" in types)
