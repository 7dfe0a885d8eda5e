"""Manifests at the start of a gateway: what they become, and all that is wrong with them at once."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from gateway.compose import CompositionError, build_services
from gateway.compose.manifests import Manifests
from gateway.manifests.reading import read_manifest
from gateway.services import Services
from gateway.settings import load_settings
from tools.executors.http_session import HttpSessions
from tools.registry import Registry
from tools.spec import Effect

ZOO = """\
openapi: 3.1.0
info: {title: Zoo, version: "1"}
servers: [{url: https://zoo.example/v1}]
paths:
  /animals:
    get:
      operationId: list_animals
      summary: List the animals of a kind
      parameters: [{name: kind, in: query, schema: {type: string}}]
    post:
      operationId: add_animal
      summary: Add an animal
      requestBody:
        content: {application/json: {schema: {type: object, properties: {owner: {type: string}}}}}
  /photo:
    post: {operationId: photo, requestBody: {required: true, content: {image/png: {}}}}
"""

MODULE = """\
from tools.executors.function import tool

def shout(text: str) -> str:
    "Say it louder."
    return text.upper()

@tool(read_only=True, cache_s=5)
def stock(article: str) -> int:
    "Tell how many pieces there are."
    return 3

def untyped(x): ...
"""

TOOLS = """\
- name: get_weather
  description: Tell the weather.
  parameters: {type: object, required: [city], properties: {city: {type: string}}}
  annotations: {read_only: true}
  executor: {kind: http, method: GET, url: "https://weather.example/{city}"}
  max_concurrent: 3
- kind: openapi
  name: zoo
  spec: zoo.yaml
  prefix: zoo_
  overrides:
    add_animal: {sensitive: [parameters.owner], timeout_s: 7, description: Take an animal in.}
    list_animals: {cache_s: 60}
- {kind: python, function: "manifest_made:shout", name: loud, effect: read, timeout_s: 4}
- {kind: python, function: "manifest_made:stock", result_tokens: 100}
- {kind: mcp, name: files, command: [no-such-program]}
"""


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "manifest_made", raising=False)
    (tmp_path / "zoo.yaml").write_text(ZOO)
    (tmp_path / "manifest_made.py").write_text(MODULE)
    return tmp_path


def services_of(text: str, more: str = "") -> Services:
    Path("all.tool.yaml").write_text(text)
    Path("gateway.yaml").write_text(
        "models: {intermediary: {backend: vllm, base_url: http://127.0.0.1:1/v1, model: m}}\n"
        "storage: {url: 'memory:'}\n"
        f"tools:\n  python: []\n  manifests: ['*.tool.yaml']\n{more}"
    )
    return build_services(load_settings(Path("gateway.yaml"), environ={}))


async def test_every_kind_becomes_tools_with_what_is_said_over_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        services = services_of(TOOLS)
    found = {spec.name: spec for spec in services.registry.snapshot().specs}
    assert list(found) == ["get_weather", "zoo_list_animals", "zoo_add_animal", "loud", "stock"]
    animal = found["zoo_add_animal"]
    assert (animal.timeout_s, animal.description) == (7, "Take an animal in.")
    assert animal.parameters["properties"]["owner"]["x-sensitive"] is True
    assert found["zoo_list_animals"].cache_s == 60
    assert (found["loud"].effect, found["loud"].timeout_s) == (Effect.READ, 4)
    assert (found["stock"].cache_s, found["stock"].result_tokens) == (5, 100)
    assert len(services.background) == 1  # the MCP servers
    assert "all.tool.yaml: POST /photo is no tool" in caplog.text
    await services.aclose()


def test_all_that_is_wrong_is_told_at_once() -> None:
    broken = (
        TOOLS.replace("{city}", "{zip}")
        .replace("{cache_s: 60}", "{sensitive: [parameters.owner]}")
        .replace("type: string}}", "type: nonsense}}")
        .replace("manifest_made:shout", "manifest_made:untyped")
        .replace("manifest_made:stock", "manifest_gone:stock")
        + "- {kind: mcp, name: files, url: 'https://x.example/mcp'}\n- nothing\n"
    )
    with pytest.raises(CompositionError) as caught:
        services_of(broken, "  mcp: [{name: files, command: [one]}]\n")
    told = [each.partition("all.tool.yaml:")[2] for each in caught.value.problems]
    assert [each.split(": ")[:2] for each in told] == [
        ["3:74", "$[0].parameters.properties.city.type"],
        ["5:44", "$[0].executor.url"],
        ["13:32", "$[1].overrides.list_animals.sensitive[0]"],
        ["14:28", "$[2].function"],
        ["15:28", "$[3].function"],
        ["16:21", "$[4].name"],
        ["17:21", "$[5].name"],
        ["18:3", "$[6]"],
    ]
    assert all(each.startswith("tools.manifests: ") for each in caught.value.problems)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("{kind: openapi, name: a, spec: gone.yaml}", "gone.yaml: can't be read"),
        ("{kind: openapi, name: a, spec: manifest_made.py}", "spec: manifest_made.py: line 3"),
        ("{kind: openapi, name: a, spec: zoo.yaml, include: [none]}", "no operation of the docu"),
        ("{kind: openapi, name: a, spec: zoo.yaml, auth: {k: TOOL_K}}", "$.auth.k: no security"),
        ("{kind: openapi, name: a, spec: zoo.yaml, effects: {ad_animal: read}}", "'add_animal'"),
        ("{kind: python, function: 'manifest_made:gone'}", "manifest_made has no function gone"),
        ("{kind: python, function: 'manifest_bad:x'}", "importing manifest_bad failed: ZeroDiv"),
        ("{kind: python, function: 'manifest_made:shout', cache_s: 5}", "$.cache_s: only a tool"),
        ("{kind: python, function: 'manifest_made:shout', name: a, effect: reads}", "$.effect: "),
    ],
)
def test_what_can_not_be_had_is_told_with_its_place(entry: str, told: str) -> None:
    Path("manifest_bad.py").write_text("1 / 0")
    with pytest.raises(CompositionError) as caught:
        services_of(entry)
    [problem] = caught.value.problems
    assert ".tool.yaml:1:" in problem
    assert told in problem


def test_one_entry_tells_all_that_registration_has_against_it() -> None:
    path = Path("one.yaml")
    path.write_text(
        """\
name: no name
description: d
parameters:
  type: object
  properties:
    a: {type: string, pattern: "(?=x)", default: 5}
    b: {anyOf: [{type: strng}, 7]}
    c: {$ref: "https://elsewhere.example/"}
returns: {type: intger}
resource: "{nobody}"
executor: {kind: http, method: POST, url: "https://x.example/#f", headers: {Host: x, a: ä}, cache_s: 5}
"""
    )
    manifests = Manifests(Registry(), HttpSessions())
    [placed] = read_manifest(path, {}).entries
    manifests.register(placed)
    found = sorted(manifests.outcome.problems)
    assert [(each.line, each.path) for each in found] == [
        (1, "$.name"),
        (6, "$.parameters.properties.a.pattern"),
        (6, "$.parameters.properties.a.default"),
        (7, "$.parameters.properties.b.anyOf[0].type"),
        (7, "$.parameters.properties.b.anyOf[1]"),
        (8, "$.parameters.properties.c.$ref"),
        (9, "$.returns.type"),
        (10, "$.resource"),
        (11, "$.executor.url"),
        (11, "$.executor.headers.Host"),
        (11, "$.executor.headers.a"),
        (11, "$.executor.cache_s"),
    ]
    assert manifests.outcome.tools == []


NAMED = """\
- name: get_weather
  description: Tell the weather.
  parameters: {type: object}
  executor: {kind: http, method: GET, url: "https://weather.example/"}
  aliases: [stable, v2]
- kind: openapi
  name: zoo
  spec: zoo.yaml
  overrides:
    list_animals:
      aliases: [stable]
      deprecated: {reason: it knows no fish, replacement: find_animals, until: 2027-03-31}
- {kind: python, function: "manifest_made:stock", deprecated: {reason: nobody asks}}
"""


def test_a_version_has_the_names_and_the_word_that_its_manifest_gives_it() -> None:
    old = "    post:\n      deprecated: true\n"
    Path("zoo.yaml").write_text(ZOO.replace("    post:\n", old, 1))
    services = services_of(NAMED)
    registry = services.registry
    for reference in ("get_weather@stable", "get_weather@v2", "list_animals@stable"):
        name = reference.partition("@")[0]
        assert [spec.name for spec in registry.offered([reference], "run").specs] == [name]
    histories = {spec.name: registry.history(spec.name) for spec in registry.snapshot().specs}
    assert {name: each.find("1").deprecated for name, each in histories.items()} == {
        "get_weather": None,
        "list_animals": "it knows no fish; use find_animals; to be relied on until 2027-03-31",
        "add_animal": "deprecated by its author",
        "stock": "nobody asks",
    }


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("aliases: [2]", ":3:11: $.aliases[0]: "),
        ("aliases: [Stable]", ":3:11: $.aliases[0]: "),
        ("deprecated: it is old", ":3:13: $.deprecated: "),
        ("deprecated: {until: 2027-03-31}", ": $.deprecated.reason: is required"),
        ("deprecated: {reason: old, until: soon}", ":3:34: $.deprecated.until: "),
    ],
)
def test_what_is_no_name_or_word_is_told_with_its_place(said: str, told: str) -> None:
    with pytest.raises(CompositionError) as caught:
        services_of(f"kind: python\nfunction: 'manifest_made:stock'\n{said}\n")
    [problem] = caught.value.problems
    assert told in problem


def test_functions_of_manifests_are_among_those_that_an_operator_may_isolate() -> None:
    with pytest.raises(CompositionError, match="no Python tool matches nothing") as caught:
        services_of(TOOLS, "  isolate: [{tools: [nothing]}]\n")
    assert caught.value.hint == "there are: loud, stock"
