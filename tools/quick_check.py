"""A quick yes to arguments that are right, which most are: twenty times sooner than the reference.

What it is: for schemas whose every keyword means the same to jsonschema-rs (compiled Rust) and to
jsonschema, a check that may say "valid".  The only module that knows jsonschema-rs.
What it is not: a judge of what is wrong.  A no from here, a schema with other keywords, and arguments
with numbers beyond the common range or with very many values, all go to `tools.schema`, whose
verdict counts and whose error the model reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

from jsonschema_rs import Draft202012Validator

from tools.schema_document import SchemaDocument, Subschema

_NO_SCHEMA_INSIDE = frozenset(
    {
        *("type", "enum", "const", "required", "minimum", "maximum", "exclusiveMinimum"),
        *("exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties"),
        *("maxProperties", "title", "description", "default", "examples", "format", "$comment"),
        *("deprecated", "readOnly", "writeOnly", "$schema", "$id"),
    }
)
_ONE = frozenset({"items", "additionalProperties", "not"})
_SEVERAL = frozenset({"anyOf", "allOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties"})
_SET_ASIDE = frozenset({"$defs", "definitions"})
_MOST_SUBSCHEMAS = 400
_MOST_VALUES = 1_000
_EXACT = 2**53
"""Up to here a number is the same as an integer and as a 64-bit float."""
_type_of: Callable[[Any], type[Any]] = type
"""Said once what it gives: a cast for each value costs more than the look at it."""


class QuickCheck(Protocol):
    """True for values that are surely valid; with `as_written`, only where no whole number has a fraction."""

    def __call__(self, value: Any, *, as_written: bool = False) -> bool: ...


def quick_check(document: SchemaDocument) -> QuickCheck | None:
    """A function that is true for values that are surely valid; None where there can be none.

    Its time is bounded: references are unfolded, so that circles have no quick check, and what is
    unfolded is counted, as the values are.
    """
    if _weight(document, document.root, _MOST_SUBSCHEMAS) is None:
        return None
    root = {key: value for key, value in document.root.items() if key not in ("$schema", "$id")}
    is_valid = Draft202012Validator(root, validate_formats=False, offline=True).is_valid

    def check(value: Any, *, as_written: bool = False) -> bool:
        return _ordinary(value, as_written=as_written) and is_valid(value)

    return check


def _weight(document: SchemaDocument, node: Subschema, most: int) -> int | None:
    """How many subschemas there are below and with `node`, unfolded; None: too many, or foreign ones."""
    if isinstance(node, bool):
        return 1
    weight = 1
    for key, value in node.items():
        if key in _NO_SCHEMA_INSIDE:
            inner: list[Subschema] = []
            weight += len(value) if isinstance(value, list | dict) else 0  # pyright: ignore[reportUnknownArgumentType]
            if not _ordinary(value):
                return None
        elif key == "$ref":
            inner = [document.resolve(value)]
        elif key in _ONE:
            inner = [value]
        elif key in _SEVERAL:
            inner = list(value)
        elif key in _NAMED:
            inner = list(cast("Mapping[str, Subschema]", value).values())
        elif key in _SET_ASIDE:
            continue
        else:
            return None
        for each in inner:
            below = _weight(document, each, most - weight) if weight < most else None
            if below is None:
                return None
            weight += below
    return weight if weight <= most else None


def _ordinary(value: Any, *, as_written: bool = False) -> bool:
    """Whether a JSON value is small, and its numbers are the same for everyone.

    With `as_written`, 5.0 is not: it is valid as an integer, and a tool should be given 5.
    """
    left = _MOST_VALUES
    found: list[Any] = [value]
    for each in found:  # which grows meanwhile
        kind = _type_of(each)
        if kind is str or kind is bool or each is None:
            continue
        if kind is int or kind is float:
            if not -_EXACT <= each <= _EXACT:
                return False
            if as_written and kind is float and each.is_integer():
                return False
        elif kind is dict:
            left -= len(each)
            found += each.values()
        elif kind is list:
            left -= len(each)
            found += each
        else:
            return False
        if left < 0:
            return False
    return True
