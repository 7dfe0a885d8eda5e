"""Parameters schemas: compiled once at registration, then checked against on every call.

What it is: with `tools.grammar`, the only module that knows jsonschema. `compile_parameters` refuses a schema that would hurt
later and says where and why; `CompiledSchema.check` names the error that helps most, in words for the
model that has to mend its call.
What it is not: parsing and repair (`tools.repair`), the static rules on documents
(`tools.schema_document`), the words (`tools.wording`), the quick yes to what is right
(`tools.quick_check`), after which nothing here has to run.

A schema has to satisfy JSON Schema 2020-12, under which calls are checked, and Draft 7, which
mistral-common checks when a tool is shown to a model. Nothing is ever fetched. Hostile schemas and
arguments cost bounded time: patterns run on RE2, and a check stops after a fixed amount of work.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match  # pyright: ignore[reportUnknownVariableType]
from jsonschema.protocols import Validator
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]
from referencing import Registry

from tools.errors import RegistrationError
from tools.grammar import grammar_problem
from tools.patterns import compile_pattern
from tools.quick_check import quick_check
from tools.schema_document import SchemaDocument
from tools.spec import JSONObject
from tools.wording import explain, show

MAX_SCHEMA_BYTES = 128 * 1024
MAX_DEPTH = 64
_MAX_WORK = 50_000
_MAX_SECONDS = 0.5
_MAX_ERRORS = 256

_best_match = cast("Callable[[Iterable[ValidationError]], ValidationError | None]", best_match)

_Errors = Iterator[ValidationError]
_Keyword = Callable[[Any, Any, Any, Any], "_Errors | None"]


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """Where arguments break the schema (`$.items[2].price`) and a sentence that says how."""

    path: str
    message: str


class _TooMuchWork(Exception):
    """The schema and the arguments multiply; no answer within the bound."""


class _Meter(threading.local):
    """Work left in the check that runs in this thread; checks never interleave in a thread."""

    left = 0.0
    until = 0.0


_meter = _Meter()


def _metered(keyword: _Keyword) -> _Keyword:
    def run(validator: Any, asked: Any, instance: Any, schema: Any) -> _Errors | None:
        size = len(asked) if isinstance(asked, list | dict) else 0  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(instance, str):
            size += len(instance) >> 6
        _meter.left -= 1 + (size >> 4)
        if _meter.left < 0 or time.monotonic() > _meter.until:
            raise _TooMuchWork
        return keyword(validator, asked, instance, schema)

    return run


def _pattern(validator: Validator, asked: str, instance: Any, schema: Any) -> _Errors:
    del validator, schema
    if isinstance(instance, str) and compile_pattern(asked).search(instance) is None:
        yield ValidationError("does not match")


def _pattern_properties(
    validator: Any, asked: dict[str, Any], instance: Any, schema: Any
) -> _Errors:
    del schema
    if not isinstance(instance, dict):
        return
    for pattern, subschema in asked.items():
        matcher = compile_pattern(pattern)
        for name, value in cast("dict[str, Any]", instance).items():
            if matcher.search(name) is not None:
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _additional(validator: Any, asked: Any, instance: Any, schema: Mapping[str, Any]) -> _Errors:
    if not isinstance(instance, dict):
        return
    named = schema.get("properties", {})
    matchers = [compile_pattern(each) for each in schema.get("patternProperties", ())]
    unknown = {
        name: value
        for name, value in cast("dict[str, Any]", instance).items()
        if name not in named and not any(matcher.search(name) is not None for matcher in matchers)
    }
    if asked is False:
        if unknown:
            yield ValidationError("unknown", instance=unknown)
        return
    for name, value in unknown.items():
        yield from validator.descend(value, asked, path=name)


def _unique_items(validator: Validator, asked: Any, instance: Any, schema: Any) -> _Errors:
    """By hashing: jsonschema compares each with each when the items can't be sorted."""
    del validator, schema
    if asked and isinstance(instance, list):
        items = cast("list[Any]", instance)
        if len({_identity(each) for each in items}) != len(items):
            yield ValidationError("not unique")


def _identity(value: Any) -> Any:
    """Equal for equal JSON values: 1 is 1.0 and is not true."""
    if isinstance(value, list):
        return ("[", *(_identity(each) for each in cast("list[Any]", value)))
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return ("{", frozenset((name, _identity(each)) for name, each in pairs))
    return (isinstance(value, bool), value)


def _is_number(_: Any, value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


_OWN: dict[str, _Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "uniqueItems": _unique_items,
}
_Checker = cast(
    "type[Validator]",
    extend(
        cast("Any", Draft202012Validator),
        validators={
            name: _metered(_OWN.get(name, keyword))
            for name, keyword in cast(
                "dict[str, _Keyword]", Draft202012Validator.VALIDATORS
            ).items()
        },
        type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number),
    ),
)


class CompiledSchema:
    """A parameters schema that was accepted. Immutable; safe to share between threads."""

    __slots__ = ("_document", "_quick", "_validator")

    def __init__(self, document: SchemaDocument) -> None:
        self._document = document
        self._quick = quick_check(document)
        without_uri = {k: v for k, v in document.root.items() if k not in ("$schema", "$id")}
        self._validator = _Checker(without_uri, registry=Registry())

    @property
    def root(self) -> Mapping[str, Any]:
        """The schema itself, a private copy of what was registered."""
        return self._document.root

    def resolve(self, ref: str) -> Mapping[str, Any] | bool:
        """The subschema that a `$ref` of this schema leads to."""
        return self._document.resolve(ref)

    def check(self, arguments: Any) -> SchemaProblem | None:
        """None when `arguments` satisfy the schema, else the most useful error.

        Never raises and never takes more than about a second, whatever the arguments are.
        """
        if (odd := _odd_value(arguments)) is not None:
            return odd
        return self.check_read(arguments)

    def check_read(self, arguments: JSONObject) -> SchemaProblem | None:
        """`check` for what `tools.repair` has read, which is JSON and within its bounds for sure."""
        if self._quick is not None and self._quick(arguments):
            return None
        return self._check(self._validator, arguments)

    def is_right(self, arguments: JSONObject) -> bool:
        """Whether what `tools.repair` has read is surely valid, and nothing of it is to be repaired."""
        return self._quick is not None and self._quick(arguments, as_written=True)

    def check_part(self, subschema: Mapping[str, Any], value: Any) -> SchemaProblem | None:
        """Like `check`, against a subschema of this schema."""
        if (odd := _odd_value(value)) is not None:
            return odd
        evolve: Callable[..., Validator] = cast("Any", self._validator).evolve
        return self._check(evolve(schema=subschema), value)

    def _check(self, validator: Validator, arguments: Any) -> SchemaProblem | None:
        _meter.left, _meter.until = _MAX_WORK, time.monotonic() + _MAX_SECONDS
        try:
            error = _best_match(islice(validator.iter_errors(arguments), _MAX_ERRORS))
        except _TooMuchWork:
            return SchemaProblem(
                "$", "too large to be checked against the schema: send less at once"
            )
        except RecursionError:
            return SchemaProblem("$", "nested too deep to be checked: flatten it")
        return None if error is None else _problem(error)


def compile_parameters(
    parameters: Mapping[str, Any], where: str = "$.parameters"
) -> CompiledSchema:
    """Compile the schema of a tool's arguments.

    Raises `RegistrationError`, whose `where` is a JSON path that begins with `where`: no object
    schema, too large or deep, not valid in 2020-12 and in Draft 7, references outside the document or
    to nowhere or in circles, patterns without a linear-time matcher, defaults that break their schema.
    """
    compiled = compile_schema(parameters, where)
    _require_object(compiled, where)
    return compiled


def compile_schema(schema: Mapping[str, Any], where: str) -> CompiledSchema:
    """Like `compile_parameters`, for a schema of any value."""
    document = SchemaDocument(_private_copy(schema, where), where)
    _check_grammar(document)
    compiled = CompiledSchema(document)
    for pointer, node in document.subschemas.items():
        if isinstance(node, Mapping):
            _check_own_values(compiled, document.path(pointer), node)
    return compiled


def _private_copy(schema: Mapping[str, Any], where: str) -> dict[str, Any]:
    try:
        raw = json.dumps(dict(schema), allow_nan=False).encode()
    except RecursionError as error:
        raise RegistrationError(where, "nested too deep: flatten it") from error
    except (TypeError, ValueError) as error:
        raise RegistrationError(where, f"no JSON: {error}") from error
    if len(raw) > MAX_SCHEMA_BYTES:
        raise RegistrationError(
            where,
            f"{len(raw)} bytes, {MAX_SCHEMA_BYTES} are allowed: split the tool or shorten the texts",
        )
    try:
        return json.loads(raw)
    except RecursionError as error:
        raise RegistrationError(where, "nested too deep: flatten it") from error


def _check_grammar(document: SchemaDocument) -> None:
    for pointer, node in document.subschemas.items():
        if isinstance(node, Mapping) and (problem := grammar_problem(node)) is not None:
            draft, path, message = problem
            hint = " (models are shown tools under Draft 7)" if draft == "Draft 7" else ""
            raise RegistrationError(
                document.path(pointer) + path.removeprefix("$"),
                f"not valid in JSON Schema {draft}{hint}: {message}",
            )


def _require_object(compiled: CompiledSchema, where: str) -> None:
    node: Mapping[str, Any] | bool = compiled.root
    while isinstance(node, Mapping) and "type" not in node and "$ref" in node:
        node = compiled.resolve(node["$ref"])
    if not isinstance(node, Mapping) or (node.get("type", "object") != "object"):
        raise RegistrationError(
            f"{where}.type", 'arguments are an object: use {"type": "object", …}'
        )
    if node and "type" not in node and "properties" not in node:
        raise RegistrationError(where, 'not the schema of an object: add "type": "object"')


def _check_own_values(compiled: CompiledSchema, path: str, node: Mapping[str, Any]) -> None:
    """A default must be a legal value; an enum or const that breaks its own type allows nothing."""
    if "default" in node and (problem := compiled.check_part(node, node["default"])) is not None:
        raise RegistrationError(f"{path}.default", f"breaks its own schema: {problem.message}")
    if "type" not in node:
        return
    only_type = {"type": node["type"]}
    if "const" in node and compiled.check_part(only_type, node["const"]) is not None:
        raise RegistrationError(
            f"{path}.const", f"{show(node['const'])} is not of its own type: no value can be right"
        )
    allowed: list[Any] = node.get("enum", [])
    if allowed and all(compiled.check_part(only_type, each) is not None for each in allowed):
        raise RegistrationError(
            f"{path}.enum", "no entry is of the type beside it: no value can be right"
        )


def _problem(error: ValidationError) -> SchemaProblem:
    path = error.json_path
    if len(path) > 200:
        path = path[:200] + "…"
    if isinstance(error.schema, bool):
        return SchemaProblem(path, "nothing is allowed here")
    schema = cast("Mapping[str, Any]", error.schema)
    message = explain(str(error.validator), error.validator_value, error.instance, schema)
    return SchemaProblem(path, message)


def _odd_value(root: Any) -> SchemaProblem | None:
    """NaN, infinities, lone surrogates and depth, which no schema speaks about."""
    todo: list[tuple[Any, int]] = [(root, 0)]
    while todo:
        value, depth = todo.pop()
        if isinstance(value, dict | list):
            if depth == MAX_DEPTH:
                return SchemaProblem("$", f"nested more than {MAX_DEPTH} deep: flatten it")
            inner = cast("dict[str, Any] | list[Any]", value)
            if isinstance(inner, dict):
                todo.extend((each, depth + 1) for each in inner)
                inner = list(inner.values())
            todo.extend((each, depth + 1) for each in inner)
        elif isinstance(value, float):
            if not math.isfinite(value):
                return SchemaProblem("$", f"{value} is no JSON number: give a finite one")
        elif isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                return SchemaProblem(
                    "$", "a text holds half of a surrogate pair: give whole characters"
                )
    return None
