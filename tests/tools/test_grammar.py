"""The flat metaschemas judge as the official ones do."""

from __future__ import annotations

from typing import Any, cast

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import SchemaError

from tools.errors import RegistrationError
from tools.grammar import _CHECKS
from tools.schema_document import SchemaDocument

ODD: list[Any] = [None, True, 5, -1, 0.5, "x", "[", "object", [], ["a"], ["a", "a"], [1], [{}], {}, {"a": 1},
                  {"a": {}}, {"a": []}, {"a": ["b"]}, {"type": 5}, {"a": {"type": 5}}, [{"type": 5}]]  # fmt: skip
KEYWORDS = sorted(
    {name for _, check in _CHECKS for name in cast("Any", check.schema)["properties"]} - {"$ref"}
)


def officially(draft: Any, node: Any) -> bool:
    try:
        draft.check_schema(node)
    except SchemaError:
        return False
    return True


def ours(index: int, node: Any) -> bool:
    """The walk and the flat metaschema together, as `tools.schema` uses them."""
    try:
        document = SchemaDocument(node)
    except RegistrationError:
        return False
    check = _CHECKS[index][1]
    return all(
        check.is_valid(each) for each in document.subschemas.values() if not isinstance(each, bool)
    )


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_nothing_is_accepted_that_a_draft_refuses_and_nothing_plain_is_refused(
    keyword: str,
) -> None:
    for value in ODD:
        node = {keyword: value}
        official = officially(Draft202012Validator, node) and officially(Draft7Validator, node)
        mine = ours(0, node) and ours(1, node)
        assert not mine or official, node
        stricter = (
            "$dynamicRef",
            "$recursiveRef",
            "$schema",
            "$anchor",
            "pattern",
            "patternProperties",
        )
        assert mine or not official or keyword in stricter, node
