"""Every YAML and JSON block in the documents is what it shows: read by the code that would read it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.agent.code_blocks import CodeBlock
from gateway.agent.till import Till
from gateway.api import budgets
from gateway.api.wire import ChatRequest
from gateway.budgets import Budget
from gateway.cli.decisions import read
from gateway.manifests.reading import read_manifest
from gateway.settings import Settings, load_settings
from policies.cedar.policy_set import PolicySet
from policies.loader import parse
from tests.documents.place import ROOT
from tests.test_documents import documents
from tools.executors.http_session import HttpSessions
from tools.openapi.importing import import_document
from tools.openapi.operations import Source
from tools.registration import build, read_registration
from tools.schema import compile_schema


def blocks(kind: str) -> list[Any]:
    """The blocks of one kind with their document, by name."""
    made = documents()
    return [
        pytest.param(page, each.text, id=f"{page.name}-{at}")
        for page in made.documents()
        for at, each in enumerate(made.examples(page))
        if each.kind == kind
    ]


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_a_block_of_yaml_is_accepted_by_what_reads_it(
    page: Path, text: str, tmp_path: Path
) -> None:
    said = yaml.safe_load(text)
    (tmp_path / "words.txt").write_text("word\n", encoding="utf-8")
    if isinstance(said, list):
        path = tmp_path / "tools.yaml"
        path.write_text(text, encoding="utf-8")
        assert read_manifest(path, {}).problems == ()
    elif set(said) <= Settings.model_fields.keys():
        path = tmp_path / "gateway.yaml"
        path.write_text(text, encoding="utf-8")
        load_settings(path, environ={"MISTRAL_API_KEY": "key"})
    elif "rules" in said:
        parse(said, page.name, tmp_path)
    elif "openapi" in said:
        imported = import_document(
            said, Source("zoo.yaml", auth=dict.fromkeys(_schemes(said), "TOOL_KEY"))
        )
        assert imported.tools
        told = page.read_text(encoding="utf-8")
        assert [each for each in imported.refused if each.operation not in told] == []
    elif "executor" in said:
        build(read_registration(said), HttpSessions())
    else:
        pytest.fail(f"nobody knows what this is: {sorted(said)}")


def _schemes(said: dict[str, Any]) -> list[str]:
    return list(said.get("components", {}).get("securitySchemes", ()))


OF_OTHERS = {
    "mcp.md": "the configuration of an MCP client",
    "dry-runs.md": "a result with a URL of somebody's: tests/tools/test_dry_run.py",
}


def _standing(said: dict[str, Any], _folder: Path) -> None:
    till = Till(budgets=[Budget("tenant-month", 50.0)])
    [one] = asyncio.run(till.standing("a", ""))
    assert said.keys() <= vars(budgets)["_told"](one).keys()


def _decision(said: dict[str, Any], folder: Path) -> None:
    path = folder / "decision.jsonl"
    path.write_text(json.dumps(said), encoding="utf-8")
    assert len(read([path]).decisions) == 1


def _chat(said: dict[str, Any], _folder: Path) -> None:
    ChatRequest.model_validate({**said, "messages": [{"role": "user", "content": "Hi."}]})


def _schema(said: dict[str, Any], _folder: Path) -> None:
    compile_schema(said, "parameters")


def _registration(said: dict[str, Any], _folder: Path) -> None:
    """What is shown are the bounds; the rest of the tool stands in the README."""
    city: dict[str, Any] = {"type": "object", "required": ["city"]}
    city["properties"] = {"city": {"type": "string"}}
    rest = {"description": "", "parameters": city, "annotations": {"read_only": True}}
    build(read_registration({**rest, **said}), HttpSessions())


def _code(said: dict[str, Any], _folder: Path) -> None:
    [block] = said["gateway"]["code"]
    assert list(block) == [field.name for field in fields(CodeBlock)]


SHOWN: dict[str, Callable[[dict[str, Any], Path], None]] = {
    "budgets.md": _standing,
    "context.md": _chat,
    "privacy.md": _schema,
    "routing.md": _decision,
    "structured-output.md": _code,
    "tool-versions.md": _registration,
}


@pytest.mark.parametrize(("page", "text"), blocks("json"))
def test_a_block_of_json_is_what_the_gateway_says_or_takes(
    page: Path, text: str, tmp_path: Path
) -> None:
    said = json.loads(text)
    if page.name not in OF_OTHERS:
        SHOWN[page.name](said, tmp_path)


@pytest.mark.parametrize(("page", "text"), blocks("text"))
def test_a_block_of_text_is_a_policy_that_is_accepted_or_no_command(page: Path, text: str) -> None:
    if "permit (" in text:
        assert len(PolicySet([(page.name, text)])) >= 2
    else:  # what something prints
        assert not text.startswith(("gateway ", ".venv/bin/", "scripts/", "curl ", "python "))


def test_what_is_checked_elsewhere_is_there() -> None:
    named = {each.values[0].name for each in (*blocks("yaml"), *blocks("json"))}
    assert OF_OTHERS.keys() | SHOWN.keys() <= named
    assert (ROOT / "docs" / "README.md").is_file()
