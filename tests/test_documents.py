"""What the documents show is what there is. Their examples against a live model run in CI."""

from __future__ import annotations

import json
import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from tools.executors.function import collect
from tools.executors.http_session import HttpSessions
from tools.registration import build, read_registration
from tools.registry import Registry

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"


def documents() -> Any:
    spec = spec_from_file_location("documents", ROOT / "scripts" / "documents.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_configuration_reference_is_what_the_settings_say() -> None:
    assert documents().REFERENCE.read_text(encoding="utf-8") == documents().reference()


def test_links_lead_somewhere_and_configurations_are_accepted() -> None:
    assert documents().check() == []


def test_every_curl_request_of_the_readme_says_what_to_expect() -> None:
    asked = [each for each in documents().examples(README) if "curl" in each.text]
    assert len(asked) >= 6
    assert [each.text for each in asked if each.expect is None] == []


def test_the_function_in_the_readme_becomes_a_tool() -> None:
    [example] = [each for each in documents().examples(README) if "@tool" in each.text]
    module = ModuleType("mytools")
    exec(compile(example.text, "mytools.py", "exec"), vars(module))
    [(spec, _)] = collect(module)
    assert spec.name == "stock"
    assert spec.parameters["required"] == ["article"]
    assert "A-4711" in spec.parameters["properties"]["article"]["description"]


def test_the_registration_in_the_readme_is_accepted() -> None:
    [example] = [each for each in documents().examples(README) if '"executor"' in each.text]
    body = re.search(r"-d '(.*)'", example.text, re.DOTALL)
    assert body is not None
    registry = Registry()
    registry.register(*build(read_registration(json.loads(body[1])), HttpSessions()))
    assert registry.get("get_weather").annotations.read_only
