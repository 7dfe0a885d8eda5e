"""What the grammar for calls is made from, beside the schema itself: never silently wider.

The JSON Schema Test Suite's schemas, each as the schema of an argument, and BFCL's truth calls are judged
by both. What an engine makes of the grammar is shown by the tests against real vLLM (`tests/vllm`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bench import bfcl
from routing.grammar.subset import expressible
from tests.tools.suite import cases

ELSEWHERE = ("$ref", "$dynamicRef", "$id")
"""References are relative to the root, which is another one here; registration tests them."""
NARROWER = {
    "additionalProperties": 1,
    "anyOf": 1,
    "dependentSchemas": 2,
    "not": 1,
    "properties": 1,
    "unevaluatedProperties": 3,
}
"""Instances by file that the schema allows and the grammar doesn't: they have undeclared properties."""

UNDECLARED = {"live_multiple_189-83-0": "$.data", "live_multiple_862-181-3": "$"}
"""Truth calls with properties that their document does not declare: allowed, and not generated."""


def instances() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for case in cases():
        if case.draft == "draft2020-12" and not any(
            each in json.dumps(case.schema) for each in ELSEWHERE
        ):
            inner = case.schema
            if isinstance(inner, dict):
                inner = {key: value for key, value in inner.items() if key != "$schema"}
            schema = {"type": "object", "properties": {"v": inner}, "required": ["v"]}
            for value, _ in case.tests:
                yield case.file, schema, {"v": value}


def test_what_the_grammar_allows_and_the_schema_does_not_is_listed_every_time() -> None:
    agreed = listed = 0
    narrower: Counter[str] = Counter()
    for file, schema, instance in instances():
        subset, left_out = expressible(schema)
        allowed = Draft202012Validator(schema).is_valid(instance)
        generated = Draft202012Validator(subset).is_valid(instance)
        if allowed == generated:
            agreed += 1
        elif allowed:
            narrower[file] += 1
        else:
            assert left_out, (file, schema, instance)
            listed += 1
    assert narrower == NARROWER
    assert (agreed, listed) == (870, 159)


def test_bfcls_truth_calls_can_be_generated_where_they_satisfy_their_schema_and_declare_their_properties() -> (
    None
):
    try:
        asked = list(bfcl.requests(bfcl.PYTHON))
    except bfcl.Unavailable as error:
        pytest.skip(f"NOT RUN: {error}")
    agreed, differ = 0, dict[str, str]()
    for each in asked:
        documents = {document["name"]: document for document in each.documents}
        for name, accepted in each.truth:
            parameters = dict(bfcl.spec(documents[name]).parameters)
            arguments = bfcl.arguments(accepted, parameters)
            grammar = Draft202012Validator(expressible(parameters)[0])
            allowed = Draft202012Validator(parameters).is_valid(arguments)
            if grammar.is_valid(arguments) == allowed:
                agreed += 1
                continue
            [error] = grammar.iter_errors(arguments)
            assert error.validator == "additionalProperties"
            differ[each.id] = error.json_path
    assert differ == UNDECLARED
    assert agreed == 3_150
