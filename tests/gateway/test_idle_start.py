"""A server process that nobody has asked anything: what it has not imported, and its collector."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from gateway.storage.sql.migrate import prepare

RUN = """
import asyncio, gc, json, sys
from gateway.cli.starting import application, begin
begin()
from gateway.cli import banner, serving
app = application()
async def served():
    async with app.router.lifespan_context(app):
        collector = [gc.isenabled(), gc.get_freeze_count(), gc.get_threshold()[0]]
        return {"modules": sorted(sys.modules), "collector": collector}
print(json.dumps(asyncio.run(served())))
"""
LATE = {
    # engines, and what only some configurations have
    *("litellm", "xllamacpp", "asyncpg", "sqlalchemy.dialects.postgresql", "opentelemetry.sdk"),
    # tools when they are called, and those of MCP servers
    *("pint", "babel", "mcp", "markdown_it"),
    # databases that are up to date need no migration, and nothing here an ORM
    *("alembic", "sqlalchemy.orm"),
    # counting tokens, reading images
    *("mistral_common.tokens.tokenizers.tekken", "tiktoken", "numpy", "requests.sessions"),
    # whatever is asked over HTTP: engines, tools, embedding servers
    "aiohttp.client",
    # terminals, sockets that stay open
    *("rich", "websockets", "uvicorn.protocols.websockets.websockets_sansio_impl"),
}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("idle")
    config = folder / "gateway.yaml"
    config.write_text(
        "models: {intermediary: {backend: vllm, base_url: 'http://127.0.0.1:9/v1', model: m}}\n"
    )
    environment = {
        **os.environ,
        "GATEWAY_CONFIG": str(config),
        "GATEWAY__STORAGE__URL": f"sqlite:///{folder}/gateway.db",
    }
    prepare(environment["GATEWAY__STORAGE__URL"])
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout)


@pytest.fixture
def imported(started: dict[str, Any]) -> set[str]:
    return set(started["modules"])


def test_what_an_idle_server_does_not_need_is_not_imported(imported: set[str]) -> None:
    assert imported & LATE == set()


def test_what_it_does_need_is_there(imported: set[str]) -> None:
    assert {"gateway.app", "fastapi", "sqlalchemy", "requests"} <= imported


def test_its_collector_looks_at_what_is_new_and_seldom(started: dict[str, Any]) -> None:
    is_on, frozen, threshold = started["collector"]
    assert is_on
    assert frozen > 100_000
    assert threshold == 5_000
