"""`tools.isolate`: Python tools are bounded by the operator's word, and what can't be bounded is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.compose import CompositionError, build_application, build_services
from gateway.services import Services
from gateway.settings import Settings, load_settings
from tools.executor import CallContext
from tools.executors import isolated
from tools.executors.fence import Bounds, narrowed
from tools.executors.isolation import Isolation
from tools.spec import Failure, ToolResult, ValidCall

NEEDED = isolated.refusal(network=False)
namespaces = pytest.mark.skipif(NEEDED is not None, reason=str(NEEDED))
MODULE = '''
import os
import socket

from tools.executors.function import tool
from tools.executors.isolation import Isolation


@tool(read_only=True)
def whoami() -> int:
    """Tell the process."""
    return os.getpid()


@tool(read_only=True, timeout_s=20, isolated=Isolation(memory_mb=100, env=("TOOL_A", "TOOL_B")))
def modest() -> str:
    """Ask for little."""
    return os.environ.get("TOOL_A", "unseen") + os.environ.get("TOOL_B", "unseen")


@tool(read_only=True)
async def hoard() -> int:
    """Take much."""
    return len(bytearray(300_000_000))
'''
PLAIN = '''
from tools.executors.function import tool


@tool(read_only=True)
def plain() -> int:
    """Tell a number."""
    return 1
'''
OWN_EXECUTOR = """
from tools.spec import ToolSpec


class Bare:
    async def execute(self, call, context):
        return 1


def tools():
    return [(ToolSpec("bare", "Run by itself.", {"type": "object", "properties": {}}), Bare())]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "fenced_shop.py").write_text(MODULE)
    (tmp_path / "fenced_bare.py").write_text(OWN_EXECUTOR)
    (tmp_path / "fenced_plain.py").write_text(PLAIN)
    yield tmp_path
    for name in ("fenced_shop", "fenced_bare", "fenced_plain"):
        sys.modules.pop(name, None)


def settings(folder: Path, isolate: str, module: str = "fenced_shop") -> Settings:
    path = folder / "gateway.yaml"
    path.write_text(f"tools: {{python: [tools.builtin, {module}], isolate: {isolate}}}\n")
    return load_settings(path, environ={})


async def call(services: Services, name: str) -> ToolResult:
    spec = services.registry.get(name)
    return await services.registry.execute(ValidCall("abcdefghi", spec, {}), CallContext("run_1"))


@namespaces
async def test_a_tool_that_asked_for_nothing_runs_in_another_process_and_built_in_ones_do_not(
    folder: Path,
) -> None:
    import os

    services = build_services(settings(folder, "[{memory_mb: 200}]"))
    result = await call(services, "whoami")
    assert not result.is_error
    assert int(result.content) != os.getpid()
    specs = {spec.name: spec.isolation for spec in services.registry.snapshot().specs}
    assert specs["whoami"] == Isolation(memory_mb=200)
    assert specs["calculate"] is None
    greedy = await call(services, "hoard")
    assert greedy.failure is Failure.UNAVAILABLE
    assert "200 MB" in greedy.content
    await services.aclose()


@namespaces
async def test_of_what_a_tool_asks_for_and_all_entries_for_it_the_strictest_counts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOL_A", "a")
    monkeypatch.setenv("TOOL_B", "b")
    wished = "[{tools: [mod*], memory_mb: 300, network: true, env: [TOOL_B, PATH]}, {timeout_s: 5}]"
    services = build_services(settings(folder, wished))
    spec = services.registry.get("modest")
    assert spec.timeout_s == 5
    assert spec.isolation == Isolation(memory_mb=100, network=False, env=("TOOL_B",))
    assert (await call(services, "modest")).content == "unseenb"
    await services.aclose()


@namespaces
async def test_what_is_excluded_stays_in_the_process_and_the_report_tells_the_bounds(
    folder: Path,
) -> None:
    services = build_services(settings(folder, "[{exclude: [who*], memory_mb: 64}]"))
    application = build_application(services)
    transport = httpx.ASGITransport(application)
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http,
    ):
        reports = {
            name: (await http.get(f"/v1/tools/{name}/report")).json()["isolation"]
            for name in ("whoami", "modest")
        }
    assert reports["whoami"] is None
    assert reports["modest"] == {
        "memory_mb": 64,
        "network": False,
        "env": ["TOOL_A", "TOOL_B"],
        "open_files": 64,
        "result_bytes": 1_000_000,
        "processes": 128,
    }


@pytest.mark.parametrize(
    ("isolate", "module", "told"),
    [
        ("[{tools: [whoami, whomai]}]", "fenced_shop", "no Python tool matches whomai"),
        ("[{tools: [calculate]}]", "fenced_shop", "matches calculate, built-in ones aside"),
        ("[{network: true}]", "fenced_bare", "bare: only functions can be isolated"),
    ],
)
def test_a_bound_that_would_hold_nothing_is_refused(
    folder: Path, isolate: str, module: str, told: str
) -> None:
    with pytest.raises(CompositionError, match=told):
        build_services(settings(folder, isolate, module))


def test_where_the_machine_can_not_isolate_the_gateway_does_not_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*, network: bool) -> str | None:
        return None if network else "this kernel does not let the tool be cut off"

    monkeypatch.setattr(isolated, "refusal", without)
    with pytest.raises(CompositionError, match=r"tools.isolate: plain: this kernel does not"):
        build_services(settings(folder, "[{tools: [plain]}]", "fenced_plain"))


ASKED: list[Any] = [
    (None, [Bounds()], Isolation()),
    (None, [Bounds(memory_mb=4000)], Isolation(memory_mb=4000)),
    (None, [Bounds(network=True)], Isolation(network=True)),
    (None, [Bounds(network=True), Bounds()], Isolation()),
    (Isolation(network=True), [Bounds()], Isolation()),
    (Isolation(), [Bounds(network=True)], Isolation()),
    (Isolation(env=("A",)), [Bounds(env=("A", "B"))], Isolation(env=("A",))),
    (None, [Bounds(env=("A", "B")), Bounds(env=("B",))], Isolation(env=("B",))),
    (Isolation(open_files=32), [Bounds(open_files=99)], Isolation(open_files=32)),
    (Isolation(result_bytes=9), [Bounds(result_bytes=5)], Isolation(result_bytes=5)),
]


@pytest.mark.parametrize(("asked", "bounds", "got"), ASKED)
def test_the_stricter_wins(asked: Isolation | None, bounds: list[Bounds], got: Isolation) -> None:
    assert narrowed(asked, bounds) == got


def test_an_unknown_bound_is_refused_with_its_place(folder: Path) -> None:
    with pytest.raises(Exception, match="memory"):
        settings(folder, "[{memory: 3}]")
