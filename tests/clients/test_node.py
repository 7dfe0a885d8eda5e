"""Clients from npm: `openai` for Node and the Vercel AI SDK, unmodified, at the versions locked here."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import ANSWER, QUESTION, Exchange
from tests.npm import ENV, NODE, fetch

HERE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def packages() -> None:
    """The packages of the lock file."""
    fetch(HERE)


async def run(program: str, exchange: Exchange) -> dict[str, Any]:
    """Run a program beside this file to its end, and give what it tells."""
    env = {**ENV, "GATEWAY_URL": exchange.gateway.url, "QUESTION": QUESTION}
    process = await asyncio.create_subprocess_exec(
        NODE, HERE / program, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    told = json.loads(out)
    exchange.asked += told["asked"]
    return told


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(
    "program",
    ["openai_chat.mjs", "openai_responses.mjs", "ai_sdk_chat.mjs", "ai_sdk_responses.mjs"],
)
async def test_it_streams_an_exchange_with_tools_on_both_sides(
    exchange: Exchange, program: str
) -> None:
    told = await run(program, exchange)
    assert told["answer"] == ANSWER
    assert len(told["pieces"]) > 4
    assert told.get("tokens", 330) == 330
    exchange.check("".join(told["pieces"]))
