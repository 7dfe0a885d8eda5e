"""Documents that would hurt are refused, with the place, and in bounded time and memory.

What bounds them is counted in levels, values and hops; the generous clock below only tells a bound
that is gone (a bomb takes hours, not seconds).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.errors import RegistrationError
from tools.openapi import reading
from tools.openapi.importing import import_document, preview
from tools.openapi.operations import Source
from tools.openapi.reading import read_source, read_text

LONGEST_S = 20.0
SOURCE = Source("made.yaml", base_url="https://api.example")


@pytest.fixture(autouse=True)
def in_bounded_time() -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < LONGEST_S


def openapi(**more: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {"title": "Made"}, **more}


def one_get(**operation: Any) -> dict[str, Any]:
    return openapi(paths={"/a": {"get": {"operationId": "a", "responses": {}, **operation}}})


def billion_laughs() -> bytes:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


def merged_bomb() -> bytes:
    keys = ", ".join(f"k{n}: 1" for n in range(1_000))
    merges = "\n".join(f"m{n}: {{<<: *base}}" for n in range(200))
    return f"base: &base {{{keys}}}\n{merges}".encode()


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (billion_laughs(), "more than 2000000 values"),
        (merged_bomb(), "`<<` merges more than 100000 keys"),
        (b"a: &a\n  b: *a", "nested more than 100 deep"),
        (b"[" * 5_000, "deep"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "no JSON: .*(limit|ecursion)"),
        (b"a: " + b"{b: " * 150 + b"1" + b"}" * 150, "nested more than 100 deep"),
        (b'{"a":' + b"[" * 150 + b"1" + b"]" * 150 + b"}", "nested more than 100 deep"),
        (b"a: 1\na: 2", "line 2: the key 'a' stands twice"),
        (b"a: !!python/object/apply:os.system [ls]", "the tag"),
        (b"a: !env HOME", "the tag !env is not supported"),
        (b"? [a, b]\n: 1", "a key must be text"),
        (b"a: *nothing", "undefined alias|names nothing"),
        (b"a: 1\n---\nb: 2", "more than one YAML document"),
        (b"a: [1, 2", "no YAML"),
        (b"a: 1e999", "no finite number"),
        (b"<<: 5", "merges mappings only"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"a": NaN}', "no JSON"),
        (b"{a: 1}", "no JSON|must be"),
    ],
    ids=[
        "billion laughs",
        "merge bomb",
        "alias to itself",
        "open brackets",
        "deep objects in JSON",
        "deep objects in YAML",
        "deep arrays in JSON",
        "key twice",
        "python tag",
        "own tag",
        "key that is a list",
        "alias to nothing",
        "two documents",
        "unclosed",
        "infinite",
        "merged number",
        "not UTF-8",
        "NaN",
        "flow mapping that is no JSON",
    ],
)
def test_a_text_that_would_hurt_is_refused(raw: bytes, told: str) -> None:
    with pytest.raises(RegistrationError, match=told):
        read_text(raw)


def test_an_anchor_that_is_used_honestly_is_read() -> None:
    read = read_text(b"base: &b {x: 1, y: 2}\nother: {<<: *b, y: 3}\nlist: [*b, *b]")
    assert read["other"] == {"x": 1, "y": 3}
    assert read["list"] == [{"x": 1, "y": 2}] * 2


def test_words_that_old_yaml_took_for_other_things_stay_text() -> None:
    assert read_text(b"country: no\nday: 2024-01-01\n200: on\nn: 0o7\nx: 1_000") == {
        "country": "no",
        "day": "2024-01-01",
        "200": "on",
        "n": "0o7",
        "x": "1_000",
    }


def test_a_file_that_is_too_long_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    file = tmp_path / "long.yaml"
    file.write_bytes(b"a: 1\n" * 100)
    with pytest.raises(RegistrationError, match=r"long\.yaml: more than"):
        read_source(str(file))


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(RegistrationError, match=r"nowhere\.yaml: can't be read"):
        read_source("nowhere.yaml")


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ([], "#"),
        ({"info": {}}, "#/openapi"),
        ({"openapi": "4.0.0", "paths": {}}, "#/openapi"),
        ({"openapi": 3, "paths": {}}, "#/openapi"),
        ({"swagger": "1.2", "paths": {}}, "#/swagger"),
        (openapi(), "#/paths"),
        (openapi(paths=[]), "#/paths"),
        (openapi(paths={}, jsonSchemaDialect="https://else.example/"), "#/jsonSchemaDialect"),
    ],
)
def test_what_is_no_document_of_a_known_version_is_refused(data: Any, where: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        import_document(data, SOURCE)
    assert caught.value.where == where


BAD_OPERATIONS: dict[str, dict[str, Any]] = {
    "refers to itself": {"parameters": [{"$ref": "#/paths/~1a/get/parameters/0"}]},
    "leads nowhere": {"parameters": [{"$ref": "#/components/nothing"}]},
    "never fetched": {"parameters": [{"$ref": "http://169.254.169.254/latest/meta-data"}]},
    "file": {"parameters": [{"$ref": "file:///etc/passwd"}]},
    "must be text": {"parameters": [{"$ref": 5}]},
    "must be an array": {"parameters": {"a": 1}},
    "needs `name` and `in`": {"parameters": [{"name": "x"}]},
    "needs `content`": {"requestBody": []},
    "must be an object": {"requestBody": {"content": []}},
    "stands twice": {"parameters": [{"name": "x", "in": "query", "schema": {}}] * 2},
    "no place for": {
        "parameters": [{"name": "x", "in": "path", "required": True, "schema": {"type": "string"}}]
    },
    "no header that a tool may set": {
        "parameters": [{"name": "Host", "in": "header", "required": True, "schema": {}}]
    },
}


@pytest.mark.parametrize("told", BAD_OPERATIONS)
def test_an_operation_that_is_wrong_spoils_no_other(told: str) -> None:
    data = one_get(**BAD_OPERATIONS[told])
    data["paths"]["/b"] = {"get": {"operationId": "b", "responses": {}}}
    tools, [refused] = preview(import_document(data, SOURCE))
    assert [tool.spec.name for tool in tools] == ["b"]
    assert refused.operation == "GET /a"
    assert told in refused.why
    assert refused.where.startswith("#/")


def test_schemas_in_a_circle_become_definitions_once() -> None:
    schemas = {
        "a": {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/b"}}},
        "b": {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/a"}}},
    }
    data = openapi(
        components={"schemas": schemas},
        paths={
            "/a": {
                "post": {
                    "operationId": "a",
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/a"}}
                        },
                    },
                }
            }
        },
    )
    [tool], refused = preview(import_document(data, SOURCE))
    assert refused == ()
    assert len(json.dumps(dict(tool.spec.parameters))) < 1_000


def test_a_schema_that_is_only_a_circle_is_refused() -> None:
    data = one_get(
        parameters=[{"name": "q", "in": "query", "schema": {"$ref": "#/components/schemas/a"}}]
    )
    data["components"] = {
        "schemas": {
            "a": {"$ref": "#/components/schemas/b"},
            "b": {"$ref": "#/components/schemas/a"},
        }
    }
    tools, [refused] = preview(import_document(data, SOURCE))
    assert tools == ()
    assert "refers to itself" in refused.why


def test_references_that_double_at_each_step_do_not_unfold() -> None:
    schemas: dict[str, Any] = {
        f"s{n}": {
            "type": "object",
            "properties": {side: {"$ref": f"#/components/schemas/s{n + 1}"} for side in "lr"},
        }
        for n in range(60)
    }
    schemas["s60"] = {"type": "string"}
    data = one_get(
        parameters=[
            {
                "name": "q",
                "in": "query",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/s0"}}},
            }
        ]
    )
    data["components"] = {"schemas": schemas}
    imported = import_document(data, SOURCE)
    assert all(len(json.dumps(dict(tool.spec.parameters))) < 50_000 for tool in imported.tools)
    preview(imported)


def test_a_tool_that_would_take_hundreds_of_schemas_is_refused() -> None:
    schemas: dict[str, Any] = {
        f"s{n}": {
            "type": "object",
            "properties": {"next": {"$ref": f"#/components/schemas/s{n + 1}"}},
        }
        for n in range(400)
    }
    schemas["s400"] = {"type": "string"}
    data = one_get(
        parameters=[
            {
                "name": "q",
                "in": "query",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/s0"}}},
            }
        ]
    )
    data["components"] = {"schemas": schemas}
    imported = import_document(data, SOURCE)
    assert imported.tools == ()
    assert "more than 300 schemas" in imported.refused[0].why


def test_thousands_of_operations_are_read() -> None:
    paths = {f"/a{n}": {"get": {"operationId": f"a{n}"}} for n in range(3_000)}
    assert len(import_document(openapi(paths=paths), SOURCE).tools) == 3_000


def test_a_pattern_that_backtracks_is_left_out_and_told() -> None:
    data = one_get(
        parameters=[
            {"name": "q", "in": "query", "schema": {"type": "string", "pattern": "^(a+)+$"}}
        ]
    )
    [tool], _ = preview(import_document(data, SOURCE))
    assert tool.spec.parameters["properties"]["q"] == {"type": "string"}
    assert "'^(a+)+$' is not checked" in tool.notes[0]
