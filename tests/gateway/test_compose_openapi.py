"""`tools.openapi` in the settings: documents become registered tools, and mistakes are told."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from gateway.compose import CompositionError, build_services
from gateway.settings import Settings, SettingsError, load_settings

VLLM = "models: {intermediary: {backend: vllm, model: m, base_url: 'http://127.0.0.1:9/v1'}}\n"
DOCUMENT = """
openapi: 3.0.3
info: {title: Zoo}
servers: [{url: https://zoo.example/v1}]
paths:
  /animals:
    get: {operationId: list_animals, responses: {}}
    post: {operationId: add_animal, responses: {}}
    trace: {responses: {}}
"""


def configured(folder: Path, tools: str, document: str = DOCUMENT) -> Settings:
    (folder / "zoo.yaml").write_text(document, encoding="utf-8")
    path = folder / "gateway.yaml"
    path.write_text(f"{VLLM}tools: {{python: [], {tools}}}", encoding="utf-8")
    return load_settings(path, environ={})


async def test_operations_are_registered_and_the_rest_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = configured(
        tmp_path,
        "openapi: [{name: zoo, spec: ./zoo.yaml, prefix: zoo_, timeout_s: 5, cache_s: 9}]",
    )
    with caplog.at_level(logging.WARNING):
        services = build_services(settings)
    listing, adding = services.registry.snapshot().specs
    assert (listing.name, listing.timeout_s, listing.cache_s) == ("zoo_list_animals", 5, 9)
    assert (adding.name, adding.cache_s) == ("zoo_add_animal", 0)
    assert "zoo: TRACE /animals is no tool" in caplog.text
    await services.aclose()


async def test_two_documents_with_the_same_names_live_side_by_side_with_a_prefix(
    tmp_path: Path,
) -> None:
    both = "{name: a, spec: zoo.yaml}, {name: b, spec: zoo.yaml, prefix: b_}"
    services = build_services(configured(tmp_path, f"openapi: [{both}]"))
    assert len(services.registry.snapshot().specs) == 4
    await services.aclose()


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("{name: zoo, spec: nowhere.yaml}", "nowhere.yaml: can't be read"),
        ("{name: zoo, spec: zoo.yaml, include: [nothing]}", "no operation became a tool"),
        ("{name: zoo, spec: zoo.yaml, auth: {key: TOOL_KEY}}", "auth.key: no security scheme"),
        (
            "{name: zoo, spec: zoo.yaml, effects: {list_animal: read}}",
            "did you mean 'list_animals'",
        ),
        ("{name: zoo, spec: gateway.yaml}", "#/openapi: is missing"),
        ("{name: zoo, spec: 'http://127.0.0.1:9/a.yaml'}", "private address"),
    ],
)
def test_what_can_not_be_had_is_told_with_its_name(tmp_path: Path, entry: str, told: str) -> None:
    with pytest.raises(CompositionError) as caught:
        build_services(configured(tmp_path, f"openapi: [{entry}]"))
    assert "tools.openapi: zoo" in str(caught.value)
    assert told in str(caught.value)


def test_a_key_that_is_misspelled_is_told_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean `base_url`"):
        configured(tmp_path, "openapi: [{name: zoo, spec: zoo.yaml, baseurl: 'https://a.example'}]")


async def test_a_document_bounds_its_tools_together_and_an_override_one_by_itself(
    tmp_path: Path,
) -> None:
    settings = configured(
        tmp_path,
        "openapi: [{name: zoo, spec: zoo.yaml, max_concurrent: 4, breaker: {failures: 2}, overrides: "
        "{add_animal: {max_concurrent: 1, max_per_minute: 6, breaker: {pause_s: 9}}}}]",
    )
    services = build_services(settings)
    registry = services.registry
    shared, own = (
        registry.history(name).find("1").entry.bounds.as_data()
        for name in ("list_animals", "add_animal")
    )
    assert shared == {"max_concurrent": 4, "breaker": {"failures": 2, "pause_s": 30}}
    circuit = {"failures": 5, "pause_s": 9}
    assert own == {"max_concurrent": 1, "max_per_minute": 6, "breaker": circuit}
    await services.aclose()
