"""`tools.mcp` in the settings: servers are followed while the application runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gateway.app import create_app
from gateway.compose import CompositionError, build_services
from gateway.compose.mcp import source_of
from gateway.settings import Settings, load_settings
from tools.mcp.definition import Definition
from tools.mcp.pins import Pins

VLLM = "models: {intermediary: {backend: vllm, model: m, base_url: 'http://127.0.0.1:9/v1'}}\n"


def configured(folder: Path, *servers: str) -> Settings:
    path = folder / "gateway.yaml"
    path.write_text(
        f"{VLLM}storage: {{url: 'memory:'}}\ntools: {{python: [], mcp: [{', '.join(servers)}]}}"
    )
    return load_settings(path, environ={"CRM_TOKEN": "s3cr3t"})


def test_settings_become_a_source(tmp_path: Path) -> None:
    settings = configured(
        tmp_path,
        "{name: crm, url: 'https://crm.example/mcp', headers: {Authorization: 'Bearer ${CRM_TOKEN}'}}",
        "{name: files, command: [npx, files], env: {A: b}, prefix: '', effects: {read: read}}",
    )
    crm, files = [source_of(one) for one in settings.tools.mcp]
    assert (crm.url, crm.prefix) == ("https://crm.example/mcp", "crm_")
    assert crm.headers == {"Authorization": "Bearer s3cr3t"}
    assert "s3cr3t" not in repr(crm)
    assert "s3cr3t" not in repr(settings)
    assert (files.command, files.prefix, files.environment) == (("npx", "files"), "", {"A": "b"})


async def test_the_application_starts_with_what_was_approved_though_no_server_is_there(
    tmp_path: Path,
) -> None:
    settings = configured(
        tmp_path,
        f"{{name: gone, command: ['{sys.executable}', -c, 'raise SystemExit']}}",
        "{name: nowhere, url: 'http://127.0.0.1:9/mcp'}",
    )
    found = Definition("find", "Find.", {"type": "object"})
    Pins(settings.tools.mcp_pins).judge("gone", [found], hold_new=False)
    services = build_services(settings)
    app = create_app(services)
    async with app.router.lifespan_context(app):
        assert [spec.name for spec in services.registry.snapshot().specs] == ["gone_find"]


def test_a_file_of_pins_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    settings = configured(tmp_path, "{name: crm, command: [crm]}")
    settings.tools.mcp_pins.parent.mkdir(exist_ok=True)
    settings.tools.mcp_pins.write_text("{}")
    with pytest.raises(CompositionError, match=r"tools\.mcp_pins: .* is no file of pins"):
        build_services(settings)
