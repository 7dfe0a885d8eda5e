"""What each target is said to hold a model to: judged with the schema itself, differences listed."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft7Validator, Draft202012Validator
from mistral_common.protocol.instruct.tool_calls import Function, Tool
from mistral_common.protocol.instruct.validator import MistralRequestValidator

from bench.schema_targets import corpus
from bench.schema_targets.comparing import with_schemas
from bench.schema_targets.corpus import Tried
from bench.schema_targets.keywords import KEYWORDS, of_argument
from routing.targets.draft7 import compile_draft7
from routing.targets.every import compile_targets
from routing.targets.strict import compile_strict
from routing.targets.xgrammar import compile_xgrammar
from tests.tools.test_quick_check import SCHEMAS


@pytest.fixture(scope="module")
def tried() -> list[Tried]:
    schemas = chain(corpus.keywords(), corpus.suite(every=6))
    return list(corpus.tried(schemas, most=8))


def test_every_difference_from_the_schema_is_listed(tried: list[Tried]) -> None:
    compared = with_schemas(tried)
    assert len(compared) == 4
    for target, found in compared.items():
        assert found.unlisted == [], target
        assert found.counts["alike"] > found.counts["wider"] + found.counts["narrower"], target


@settings(max_examples=60, deadline=None, derandomize=True)
@given(schema=SCHEMAS)
def test_differences_from_made_up_schemas_are_listed_too(schema: Any) -> None:
    for target, found in with_schemas(
        corpus.tried(iter([("made up", of_argument(schema))]), most=8)
    ).items():
        assert found.unlisted == [], target


def test_what_is_sent_as_draft_7_means_there_what_is_said_to_be_enforced(
    tried: list[Tried],
) -> None:
    judged = 0
    for each in tried:
        compiled = compile_draft7(each.schema)
        if compiled.sent is None or compiled.enforced is None:
            continue
        Draft7Validator.check_schema(compiled.sent)
        reader = Draft7Validator(compiled.sent)
        enforced = Draft202012Validator(compiled.enforced)
        for arguments in each.all:
            assert reader.is_valid(arguments) == enforced.is_valid(arguments), (
                each.name,
                arguments,
            )
            judged += 1
    assert judged > 1_000


def test_mistral_common_takes_every_schema_that_is_sent_as_draft_7() -> None:
    validator: Any = MistralRequestValidator()
    for schema in KEYWORDS.values():
        sent = compile_draft7(of_argument(schema)).sent
        assert sent is not None
        validator._validate_tools([Tool(function=Function(name="tool", parameters=sent))])


def with_nulls(arguments: Any, schema: Any, root: Any) -> Any:
    """Arguments as `strict` brings them: null for what is absent, wherever objects are declared."""
    while isinstance(schema, dict) and "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(arguments, list) and isinstance(schema, dict):
        return [with_nulls(each, schema.get("items"), root) for each in arguments]
    if not isinstance(arguments, dict) or not isinstance(schema, dict):
        return arguments
    for way in schema.get("anyOf", ()):
        if set(arguments) <= set(way.get("properties", ())):
            return with_nulls(arguments, way, root)
    named = schema.get("properties", {})
    filled = {name: with_nulls(each, named.get(name), root) for name, each in arguments.items()}
    absent = {name for name in named if name not in arguments and name not in was_required(schema)}
    return {**filled, **dict.fromkeys(absent)}


def was_required(schema: Any) -> set[str]:
    """Properties that may not be null are those that were required before."""
    return {
        name
        for name, each in schema["properties"].items()
        if not Draft202012Validator({**each, "$defs": {}}).is_valid(None)
    }


def test_arguments_with_nulls_under_strict_are_those_without_under_the_schema() -> None:
    schemas = {name: s for name, s in KEYWORDS.items() if "$ref" not in str(s)}
    schemas = {
        name: s for name, s in schemas.items() if "null" not in str(s) and "None" not in str(s)
    }
    judged = 0
    for each in corpus.tried(((name, of_argument(s)) for name, s in schemas.items()), most=12):
        compiled = compile_strict(each.schema)
        if compiled.sent is None or compiled.enforced is None:
            continue
        sent, enforced = (Draft202012Validator(s) for s in (compiled.sent, compiled.enforced))
        for arguments in each.all:
            if "null" in json.dumps(arguments):
                continue  # it would be taken for an absent one
            filled = with_nulls(arguments, compiled.sent, compiled.sent)
            assert sent.is_valid(filled) == enforced.is_valid(arguments), (each.name, arguments)
            judged += 1
    assert judged > 300


def test_strict_requires_all_and_closes_what_it_sends() -> None:
    place = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "zip": {"type": "string"}},
    }
    schema = {
        "type": "object",
        "properties": {"place": {**place, "required": ["city"]}, "days": {"enum": [1, 2]}},
        "required": ["place"],
    }
    sent = compile_strict(schema).sent
    assert sent == {
        "type": "object",
        "properties": {
            "place": {
                "type": "object",
                "properties": {
                    "city": {"type": "string"},
                    "zip": {"type": ["string", "null"]},
                },
                "required": ["city", "zip"],
                "additionalProperties": False,
            },
            "days": {"anyOf": [{"enum": [1, 2]}, {"type": "null"}]},
        },
        "required": ["place", "days"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        ({"additionalProperties": {"type": "integer"}, "type": "object"}, "$.properties.value"),
        ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, "$.properties.value.allOf"),
        ({}, "$.properties.value"),
        ({"type": "array"}, "$.properties.value"),
        ({"enum": list(range(1_001))}, "$: 1001 values in enumerations, more than 1000"),
    ],
)
def test_what_strict_has_no_form_for_makes_the_tool_impossible_there(
    schema: dict[str, Any], where: str
) -> None:
    compiled = compile_strict(of_argument(schema))
    assert compiled.sent is None
    assert compiled.refused == (where,)


def test_lists_name_the_place() -> None:
    schema = of_argument({"type": "string", "minLength": 2, "not": {"const": "word"}})
    wider = {each.target.partition(" ")[0]: each.wider for each in compile_targets(schema)}
    assert wider == {
        "llguidance": ("$.properties.value.not",),
        "xgrammar": ("$.properties.value.not",),
        "strict": ("$.properties.value.minLength", "$.properties.value.not"),
        "Draft": (),
    }


def test_xgrammar_skips_what_stands_beside_a_choice() -> None:
    compiled = compile_xgrammar(of_argument({"type": "string", "enum": ["a", 3]}))
    assert compiled.wider == ("$.properties.value.type",)
