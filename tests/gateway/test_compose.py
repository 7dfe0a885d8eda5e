"""The composition root: what settings become, and what people are told that can't be had."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.api.wire import GatewayOptions, tightened
from gateway.compose import CompositionError, build_application, build_router, build_services
from gateway.settings import EMBEDDED_MODEL, Settings, SettingsError, load_settings
from gateway.settings.limits import LimitsSettings
from routing.backend import Usage
from routing.backends.llamacpp import LlamaCppBackend
from routing.pool import Pool
from routing.unconstrained import Unconstrained
from tools.executor import CallContext
from tools.spec import ValidCall

BUILTIN = [
    "calculate",
    "current_time",
    "convert_time",
    "convert_units",
    "save_note",
    "search_notes",
    "delete_note",
]

VLLM = "models: {intermediary: {backend: vllm, model: m, base_url: 'http://127.0.0.1:9/v1'}}\n"


def configured(folder: Path, text: str, **files: str) -> Settings:
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, encoding="utf-8")
    path = folder / "gateway.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ={})


@pytest.fixture
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before = list(sys.path), set(sys.modules)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.path[:] = before[0]
    for name in set(sys.modules) - before[1]:
        if name.startswith("made_"):
            del sys.modules[name]


async def test_the_defaults_become_the_embedded_model_with_the_builtin_tools(
    working_directory: Path,
) -> None:
    services = build_services(load_settings(environ={}))
    assert [spec.name for spec in services.registry.snapshot().specs] == BUILTIN
    assert list(services.models) == ["intermediary"]
    assert services.models["intermediary"].name == "intermediary"
    assert services.version
    await services.aclose()


async def test_every_backend_is_built_without_asking_it_anything(working_directory: Path) -> None:
    services = build_services(
        configured(
            working_directory,
            VLLM.replace(
                "}}",
                "}, expert: {backend: litellm, model: mistral/large, api_key: k, context_tokens: 9000}}",
            ),
        )
    )
    assert services.models["intermediary"].model == "m"
    assert services.models["expert"].model == "mistral/large"
    assert services.models["expert"].context_tokens == 9000
    await services.aclose()


@pytest.mark.parametrize("fold", [False, True])
async def test_folding_reaches_the_renderer_of_prompts(fold: bool, working_directory: Path) -> None:
    model = f"{{backend: llamacpp, model: {EMBEDDED_MODEL}, fold_history: {str(fold).lower()}}}"
    services = build_services(configured(working_directory, f"models: {{intermediary: {model}}}"))
    backend = services.models["intermediary"]
    assert isinstance(backend, LlamaCppBackend)
    assert backend._renderer.fold_history is fold
    await services.aclose()


async def test_limits_and_bounds_reach_the_services(working_directory: Path) -> None:
    services = build_services(
        configured(
            working_directory,
            VLLM + "limits: {max_steps: 3, deadline_s: 7, max_cost_usd: 0.5, max_body_bytes: 2048}",
        )
    )
    assert services.limits.max_steps == 3
    assert services.limits.deadline_s == 7
    assert services.limits.max_cost_usd == 0.5
    assert services.max_body_bytes == 2048
    await services.aclose()


async def test_functions_of_a_module_in_the_working_directory_become_tools(
    working_directory: Path,
) -> None:
    module = (
        "from tools.executors.function import tool\n"
        "@tool(read_only=True)\n"
        "def stock(article: str) -> dict[str, int]:\n"
        '    """Tell how many pieces are there."""\n'
        "    return {'pieces': len(article)}\n"
    )
    services = build_services(
        configured(working_directory, VLLM + "tools: {python: [made_stock]}", made_stock__py=module)
    )
    call = ToolCall(
        id="abcdefghi", function=FunctionCall(name="stock", arguments='{"article": "A-1"}')
    )
    checked = services.registry.check(call)
    assert isinstance(checked, ValidCall)
    result = await services.registry.execute(checked, CallContext())
    assert result.content == '{"pieces":3}'
    await services.aclose()


async def test_a_long_result_of_a_tool_is_cut_by_the_standard_wrappers(
    working_directory: Path,
) -> None:
    module = (
        "from tools.executors.function import tool\n"
        "@tool(read_only=True)\n"
        "def long() -> str:\n"
        '    """Talk."""\n'
        "    return 'x' * 1_000_000\n"
    )
    services = build_services(
        configured(working_directory, VLLM + "tools: {python: [made_long]}", made_long__py=module)
    )
    call = ToolCall(id="abcdefghi", function=FunctionCall(name="long", arguments="{}"))
    checked = services.registry.check(call)
    assert isinstance(checked, ValidCall)
    result = await services.registry.execute(checked, CallContext())
    assert result.truncated_from == 1_000_000
    assert len(result.content) < 100_000
    await services.aclose()


MANIFEST = """
name: get_weather
description: Tell the weather.
parameters: {type: object, required: [city], properties: {city: {type: string}}}
annotations: {read_only: true}
executor: {kind: http, method: GET, url: "https://weather.example/{city}"}
"""


async def test_manifests_are_found_by_pattern_and_registered(working_directory: Path) -> None:
    services = build_services(
        configured(
            working_directory,
            VLLM + "tools: {python: [], manifests: ['./*.tool.yaml']}",
            weather__tool__yaml=MANIFEST,
        )
    )
    assert [spec.name for spec in services.registry.snapshot().specs] == ["get_weather"]
    await services.aclose()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tools: {manifests: ['./*.nothing']}", "tools.manifests: no file matches"),
        ("tools: {python: [], manifests: ['./a.tool.yaml']}", "$.parameters"),
        ("tools: {python: [made_nowhere]}", "the module made_nowhere can't be imported"),
        ("tools: {python: [made_empty]}", "no function marked with @tool"),
        ("tools: {python: [made_empty, tools.builtin, tools.builtin]}", "no function marked"),
        ("tools: {python: [tools.builtin, tools.builtin]}", "calculate"),
        ("tools: {notes_path: made_empty.py/notes.db}", "tools.notes_path"),
        ("policies: {file: nowhere.yaml}", "no such file"),
        ("policies: {file: rules.yaml}", "no rule 'approvl'"),
    ],
)
def test_what_can_not_be_had_is_told_with_its_key(
    working_directory: Path, text: str, told: str
) -> None:
    settings = configured(
        working_directory,
        VLLM + text,
        made_empty__py="",
        a__tool__yaml=MANIFEST.replace("type: object", "type: nonsense"),
        rules__yaml="rules: [{approvl: {}}]",
    )
    with pytest.raises(CompositionError) as caught:
        build_services(settings)
    assert told in str(caught.value)


async def test_prices_are_reckoned_per_million_tokens(working_directory: Path) -> None:
    settings = configured(
        working_directory,
        VLLM.replace("}}", ", price: {input_per_million: 2, output_per_million: 4}}}"),
    )
    member = build_router(settings).members["intermediary"]
    assert member.price(Usage(500_000, 250_000)) == 2.0
    await member.backend.aclose()


def test_a_model_can_be_asked_without_the_grammar(working_directory: Path) -> None:
    bound = build_router(configured(working_directory, VLLM)).members["intermediary"]
    free = build_router(
        configured(working_directory, VLLM.replace("model: m,", "model: m, grammar: false,"))
    ).members["intermediary"]
    assert not isinstance(bound.backend, Unconstrained)
    assert isinstance(free.backend, Unconstrained)


async def test_the_application_serves_the_services(working_directory: Path) -> None:
    services = build_services(configured(working_directory, VLLM))
    assert {"/v1/models", "/healthz"} <= build_application(services).openapi()["paths"].keys()
    await services.aclose()


def test_replicas_are_one_backend_and_for_vllm_only(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    model = "{backend: vllm, model: m, base_url: 'http://a/v1', replicas: ['http://b/v1']}"
    path.write_text(f"models: {{intermediary: {model}}}")
    router = build_router(load_settings(path, environ={}))
    assert isinstance(router.members["intermediary"].backend, Pool)
    path.write_text(f"models: {{intermediary: {model.replace('vllm', 'litellm')}}}")
    with pytest.raises(SettingsError, match="for the backend vllm"):
        load_settings(path, environ={})


def test_each_limit_that_an_operator_sets_holds_for_every_run(working_directory: Path) -> None:
    unusual = {
        "max_steps": 7,
        "deadline_s": 77.0,
        "max_cost_usd": 0.7,
        "max_calls_per_turn": 17,
        "max_repetition": 777,
        "approval_s": 7_777.0,
    }
    assert unusual.keys() == LimitsSettings.model_fields.keys() - {"max_body_bytes"}
    settings = configured(working_directory, json.dumps({"limits": unusual}))
    limits = build_services(settings).limits
    assert {name: getattr(limits, name) for name in unusual} == unusual
    assert tightened(limits, GatewayOptions()) == limits
