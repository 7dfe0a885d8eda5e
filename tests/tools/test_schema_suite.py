"""The JSON Schema Test Suite through `tools.schema`, and what the gateway refuses of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.tools.suite import DRAFTS, Case, cases
from tools.errors import RegistrationError
from tools.quick_check import quick_check
from tools.schema import compile_schema
from tools.schema_document import SchemaDocument

REFUSED = {
    "draft2020-12": {
        "anchor": 3,  # $id below the root
        "boolean_schema": 2,  # no object
        "default": 3,  # breaks its own schema
        "defs": 1,  # a remote reference
        "dynamicRef": 20,
        "ref": 15,  # remote, or $id below the root
        "refRemote": 15,
        "unevaluatedItems": 1,  # dynamic references
        "unevaluatedProperties": 2,
    },
    "draft7": {
        "additionalItems": 7,  # `items` as a list, which 2020-12 doesn't have
        "boolean_schema": 2,
        "default": 3,
        "definitions": 1,
        "items": 4,
        "ref": 17,
        "refRemote": 11,
        "uniqueItems": 4,
    },
}
"""Cases that are no schema of a tool, by file: refused at registration."""
OTHER_METASCHEMA = "vocabulary"
"""Its schema names a metaschema of its own, which nothing here fetches: 2020-12 holds for all."""


def compiled(case: Case) -> Any:
    """The compiled schema, or the error with which registration refuses it."""
    if isinstance(case.schema, bool):
        return None
    try:
        return compile_schema(case.schema, "$")
    except RegistrationError as error:
        return error


@pytest.mark.parametrize("draft", DRAFTS)
def test_accepted_schemas_judge_the_suite_as_jsonschema_does(draft: str) -> None:
    judged = quick = 0
    refused: Counter[str] = Counter()
    for case in (each for each in cases() if each.draft == draft):
        schema = compiled(case)
        if schema is None or isinstance(schema, RegistrationError):
            refused[case.file] += 1
            continue
        reference = Draft202012Validator(case.schema)
        fast = quick_check(SchemaDocument(case.schema, "$"))
        for value, valid in case.tests:
            ours = schema.check(value) is None
            place = (draft, case.file, case.description, value)
            assert ours == reference.is_valid(value), place
            if draft == "draft2020-12" and case.file != OTHER_METASCHEMA:
                assert ours == valid, place
            if fast is not None and fast(value):
                quick += 1
                assert reference.is_valid(value), place
            judged += 1
    assert dict(refused) == REFUSED[draft]
    assert (judged, quick) == {"draft2020-12": (1113, 367), "draft7": (771, 315)}[draft]
