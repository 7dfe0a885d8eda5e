"""What may stand in a manifest, and that everything that is wrong is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.manifests.entries import HttpEntry, McpEntry, OpenAPIEntry, PythonEntry
from gateway.manifests.reading import Manifest, manifest_files, read_manifest

HTTP = """\
name: first
description: The first.
parameters: {type: object}
executor: {kind: http, method: GET, url: "https://example.com/"}
"""


def read(folder: Path, text: str, **environ: str) -> Manifest:
    path = folder / "tools.yaml"
    path.write_text(text)
    return read_manifest(path, environ, shown="tools.yaml")


def told(folder: Path, text: str, **environ: str) -> list[str]:
    return [str(each) for each in read(folder, text, **environ).problems]


def test_a_file_holds_one_entry_or_many_of_any_kind(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        HTTP
        + """\
---
- kind: http
  name: second
  description: The second.
  parameters: {type: object}
  executor: {kind: http, method: POST, url: "https://example.com/"}
  max_concurrent: 2
- {kind: openapi, name: zoo, spec: api/zoo.yaml}
---
kind: mcp
name: files
command: [uvx, mcp-server-files]
env: {TOKEN: "${FILES_TOKEN}"}
---
kind: python
function: mytools:stock
---
""",
        FILES_TOKEN="made-up",
    )
    assert found.problems == ()
    http, second, openapi, mcp, python = (each.entry for each in found.entries)
    assert isinstance(http, HttpEntry)
    assert isinstance(second, HttpEntry)
    assert second.max_concurrent == 2
    assert isinstance(openapi, OpenAPIEntry)
    assert openapi.spec == str(tmp_path / "api/zoo.yaml")
    assert isinstance(mcp, McpEntry)
    assert mcp.env["TOKEN"].get_secret_value() == "made-up"
    assert isinstance(python, PythonEntry)


def test_json_is_read_too_and_words_are_no_truth_values(tmp_path: Path) -> None:
    path = tmp_path / "tool.json"
    path.write_text(
        '{"name": "a", "description": "d", "parameters": {"enum": ["on", "no"]}, '
        '"executor": {"kind": "http", "method": "GET", "url": "https://x.example/"}}'
    )
    [placed] = read_manifest(path, {}).entries
    assert placed.data["parameters"] == {"enum": ["on", "no"]}
    [placed] = read(
        tmp_path, HTTP.replace("{type: object}", "{enum: [on, no, 2026-01-01]}")
    ).entries
    assert placed.data["parameters"] == {"enum": ["on", "no", "2026-01-01"]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "tools.yaml:2:1: $: no YAML: "),
        ("", "tools.yaml:1:1: $: holds no tool; "),
        ("- text", "tools.yaml:1:3: $[0]: must be a mapping of keys; write such as {name: …"),
        (HTTP + "zzz: 1\n", "tools.yaml:5:1: $.zzz: unknown key; known here: "),
        (HTTP + "retuns: {}\n", "tools.yaml:5:1: $.retuns: unknown key; did you mean `returns`?"),
        (HTTP.replace("GET", "GETT"), "tools.yaml:4:32: $.executor.method: input should be 'GET'"),
        (HTTP.replace("The first.", "5"), "tools.yaml:2:14: $.description: input should be a va"),
        (HTTP.replace("name: first\n", ""), "tools.yaml:1:1: $.name: is required; add `name`"),
        ("kind: pyton\n", "tools.yaml:1:7: $.kind: unknown kind; did you mean `python`?"),
        ("function: a:b\n", "tools.yaml:1:1: $: its kind is not said; add `kind: python`"),
        ("openapi: 3.1.0\n", "tools.yaml:1:1: $: this is an OpenAPI document, no manifest; name"),
        (
            "kind: mcp\nname: a\ncommand: [b, '${NOT_SET}']\n",
            "tools.yaml:3:14: $.command[1]: the environment variable NOT_SET is not set; set it",
        ),
        (HTTP + "name: again\n", "tools.yaml:5:1: $: the key 'name' stands twice in one mapping"),
    ],
)
def test_what_is_wrong_is_told_with_line_column_path_and_remedy(
    tmp_path: Path, text: str, problem: str
) -> None:
    first, *_ = told(tmp_path, text)
    assert first.startswith(problem)


def test_nothing_that_is_wrong_hides_anything_else(tmp_path: Path) -> None:
    text = HTTP + "---\n- kind: nothing\n- nam: x\n  description: 5\n---\n" + HTTP + "---\na: ["
    found = read(tmp_path, text)
    lines = [(each.line, each.path) for each in found.problems]
    assert lines[:2] == [(6, "$[0].kind"), (7, "$[1].executor")]
    assert {path for line, path in lines if line == 7} == {
        "$[1].nam", "$[1].name", "$[1].parameters", "$[1].executor",
    }  # fmt: skip
    assert lines[-2:] == [(8, "$[1].description"), (16, "$")]
    assert [each.is_wrong for each in found.entries] == [False, True, False]


def test_secrets_need_not_be_there_for_who_connects_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tools.yaml"
    path.write_text("kind: mcp\nname: a\ncommand: [b]\nenv: {A: '${NOT_SET}'}\n")
    assert [each.path for each in read_manifest(path, {}).problems] == ["$.env.A"]
    assert read_manifest(path, {}, with_secrets=False).problems == ()


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    [problem] = read_manifest(tmp_path / "missing.yaml", {}).problems
    assert "missing.yaml:1:1: $: can't be read: No such file" in str(problem)
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe\xff")
    assert read_manifest(tmp_path / "odd.yaml", {}).problems


def test_a_folder_is_searched_for_what_is_meant_as_a_manifest(tmp_path: Path) -> None:
    texts = {
        "a/c.yml": HTTP,
        "b.yaml": "openapi: 3.1.0",
        "broken.yaml": "a: [",
        "d.json": '[{"kind": "htp"}]',
        "e.py": HTTP,
        "gateway.yaml": "tools: {}",
        "k8s.yaml": "apiVersion: v1\nkind: Service\n",
        ".hidden/f.yaml": HTTP,
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    meant, others = manifest_files(tmp_path)
    assert [str(each.relative_to(tmp_path)) for each in meant] == [
        "a/c.yml", "broken.yaml", "d.json",
    ]  # fmt: skip
    assert [each.name for each in others] == ["b.yaml", "gateway.yaml", "k8s.yaml"]
