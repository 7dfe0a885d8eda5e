from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tools.errors import RegistrationError
from tools.overrides import Override, overridden
from tools.schema import compile_schema
from tools.sensitive import MARK, marked_leaves
from tools.spec import ReadBack, ToolSpec

MakeSpec = Callable[..., ToolSpec]

CUSTOMER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "customer": {"$ref": "#/$defs/person"},
        "others": {"type": "array", "items": {"$ref": "#/$defs/person"}},
        "paid": {"anyOf": [{"$ref": "#/$defs/card"}, {"type": "null"}]},
    },
    "$defs": {
        "person": {"type": "object", "properties": {"iban": {"type": "string"}}},
        "card": {"type": "object", "properties": {"number": {"type": "string"}}},
    },
}


def test_what_is_left_out_stays(make_spec: MakeSpec) -> None:
    spec = make_spec(timeout_s=3.0)
    assert overridden(spec, None) is spec
    told = overridden(spec, Override(description="Another.", result_tokens=100))
    assert (told.description, told.timeout_s, told.result_tokens) == ("Another.", 3.0, 100)
    assert told.parameters == spec.parameters


@pytest.mark.parametrize(
    ("path", "value", "leaf"),
    [
        ("parameters.customer", {"customer": {"iban": "x"}}, ("customer", "iban")),
        ("parameters.customer.iban", {"customer": {"iban": "x"}}, ("customer", "iban")),
        ("parameters.others[].iban", {"others": [{"iban": "x"}]}, ("others", 0, "iban")),
        ("parameters.paid.number", {"paid": {"number": "x"}}, ("paid", "number")),
    ],
)
def test_a_field_is_marked_through_references_items_and_branches(
    make_spec: MakeSpec, path: str, value: Any, leaf: tuple[str | int, ...]
) -> None:
    spec = overridden(make_spec(parameters=CUSTOMER), Override(sensitive=(path,)))
    compiled = compile_schema(spec.parameters, "$")
    assert marked_leaves(compiled, value) == {leaf}
    assert MARK not in str(CUSTOMER)


@pytest.mark.parametrize(
    ("override", "where"),
    [
        (Override(sensitive=("parameters.customer", "parameters.ibam")), "o.sensitive[1]"),
        (Override(sensitive=("iban",)), "o.sensitive[0]"),
        (Override(sensitive=("parameters..x",)), "o.sensitive[0]"),
        (Override(sensitive=("returns.iban",)), "o.sensitive[0]"),
        (Override(cache_s=5), "o.cache_s"),
        (Override(resource="of {nobody}"), "o.resource"),
        (Override(read_back=ReadBack("look", {"id": "$.nobody"})), "o.read_back.arguments.id"),
    ],
)
def test_what_can_not_be_of_this_tool_is_refused_where_it_is_said(
    make_spec: MakeSpec, override: Override, where: str
) -> None:
    with pytest.raises(RegistrationError) as caught:
        overridden(make_spec(parameters=CUSTOMER), override, "o")
    assert caught.value.where == where


def test_a_schema_in_a_circle_is_walked_once(make_spec: MakeSpec) -> None:
    circle = {"properties": {"a": {"$ref": "#/properties/a"}}}
    with pytest.raises(RegistrationError, match="leads to no field"):
        overridden(make_spec(parameters=circle), Override(sensitive=("parameters.a.b",)))
