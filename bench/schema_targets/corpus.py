"""The schemas that engines are asked about, and the arguments that are tried with each.

One for each keyword, the JSON Schema Test Suite's (2020-12) as that of an argument, BFCL's documents. Those
that registration refuses are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from bench import bfcl
from bench.schema_targets.keywords import KEYWORDS, of_argument
from tools.errors import RegistrationError
from tools.instances import Instances, instances
from tools.schema import compile_parameters

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tried:
    """A schema by its name, with arguments that it accepts and rejects."""

    name: str
    schema: Schema
    instances: Instances

    @property
    def all(self) -> tuple[Schema, ...]:
        return self.instances.accepted + self.instances.rejected


def keywords() -> Iterator[tuple[str, Schema]]:
    """A schema for each keyword."""
    for name, schema in KEYWORDS.items():
        yield name, of_argument(schema)


def suite(every: int = 1) -> Iterator[tuple[str, Schema]]:
    """The Test Suite's; references there are relative to a root that is another one here."""
    from tests.tools.suite import cases

    own = [case for case in cases() if case.draft == "draft2020-12"]
    elsewhere = ("$ref", "$dynamicRef", "$id")
    own = [case for case in own if not any(each in json.dumps(case.schema) for each in elsewhere)]
    for case in own[::every]:
        schema = case.schema
        if isinstance(schema, dict):
            known = cast("Schema", schema)
            schema = {key: value for key, value in known.items() if key != "$schema"}
        yield f"{case.file}: {case.description}", of_argument(schema)


def documents(every: int = 1) -> Iterator[tuple[str, Schema]]:
    """BFCL's. Raises `bfcl.Unavailable`."""
    for document in bfcl.documents(bfcl.PYTHON)[::every]:
        spec = bfcl.spec(document)
        yield spec.name, dict(spec.parameters)


def tried(schemas: Iterator[tuple[str, Schema]], most: int = 12) -> Iterator[Tried]:
    """Up to `most` arguments of each kind for each schema, the same ones every time."""
    for name, schema in schemas:
        try:
            compiled = compile_parameters(schema)
        except RegistrationError:
            continue
        yield Tried(name, schema, instances(compiled, most))
