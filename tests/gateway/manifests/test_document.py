"""The JSON Schema of manifests says what the reader says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gateway.manifests.document import json_schema
from gateway.manifests.reading import read_manifest
from tools.yaml_marks import read_marked

ROOT = Path(__file__).parents[3]
HTTP: dict[str, Any] = {
    "name": "a",
    "description": "d",
    "parameters": {"type": "object"},
    "executor": {"kind": "http", "method": "GET", "url": "https://x.example/"},
}


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_manifest_in_the_documents_is_right_by_both(
    validator: Draft202012Validator, tmp_path: Path
) -> None:
    text = (ROOT / "docs/manifests.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```yaml\n(# tools\.yaml.*?)```", text, re.DOTALL)
    [document], _ = read_marked(example)
    assert [each["kind"] for each in document.data[1:]] == ["openapi", "mcp", "python"]
    assert list(validator.iter_errors(document.data)) == []
    path = tmp_path / "tools.yaml"
    path.write_text(example)
    assert read_manifest(path, {}).problems == ()


@pytest.mark.parametrize(
    ("entry", "is_right"),
    [
        (HTTP, True),
        ([HTTP, {"kind": "python", "function": "a:b", "effect": "read"}], True),
        ({**HTTP, "returns": None, "max_per_minute": 5}, True),
        ({"kind": "mcp", "name": "a", "url": "https://x.example/mcp"}, True),
        ({**HTTP, "kind": "https"}, False),
        ({**HTTP, "parameters": {"type": "nonsense"}}, False),
        ({**HTTP, "retuns": {}}, False),
        ({"kind": "python", "function": "a"}, False),
        ({"kind": "openapi", "name": "a"}, False),
        ({"kind": "mcp", "name": "a", "url": "https://x.example/", "overrides": {"b": {"c": 1}}}, False),
    ],
)  # fmt: skip
def test_mistakes_are_seen_by_an_editor(
    validator: Draft202012Validator, entry: Any, *, is_right: bool
) -> None:
    assert validator.is_valid(entry) is is_right
