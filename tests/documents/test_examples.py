"""Every command and program in the documents is run, but for those that stand below with a reason.

What a model answers is not judged here: `.ci/run` asks the embedded one the README's questions. These run
against a scripted engine, and each has to succeed.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.documents.place import ROOT, Place, place
from tests.test_documents import documents

DOCUMENTED = "http://127.0.0.1:8080"
RUN = frozenset({"bash", "sh", "python", "http"})
PATIENCE_S = 300

NOT_RUN = {
    ("README.md", "scripts/run      #"): "they are what runs this: .ci/run starts both",
    ("README.md", ".venv/bin/gateway eval"): "minutes of the embedded model: a stage of .ci/run",
    ("README.md", "vllm serve"): "needs a GPU and a download of 16 GB",
    ("CONTRIBUTING.md", "scripts/test "): "the suites themselves, of which this is a part",
    ("bfcl.md", "python -m bench.bfcl_mechanics"): "minutes, and BFCL's data from PyPI",
    ("kubernetes.md", "kubectl"): "there is no cluster",
    ("mcp-tools.md", "gateway tools pins"): "wants an MCP server: tests/gateway/cli/test_pins.py",
    (
        "routing.md",
        "gateway eval",
    ): "minutes: tests/gateway/cli/test_evaluate.py, test_calibrate.py",
    ("runs.md", ".venv/bin/gateway runs tail"): "endless: tests/gateway/cli/test_runs.py",
    ("soak.md", "python -m bench.soak"): "half an hour: tests/test_soak.py is a short one",
    ("telemetry.md", "docker compose"): "no container engine: tests/deploy checks the file",
}


def found() -> list[tuple[str, Any]]:
    """The blocks that are for running, with their document's name."""
    paths = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = [(path.name, each) for path in paths for each in documents().examples(path)]
    return [(name, each) for name, each in blocks if each.kind in RUN]


def excused(name: str, block: Any) -> bool:
    return any(name == of and block.text.startswith(start) for of, start in NOT_RUN)


def of(name: str) -> Path:
    return ROOT / name if (ROOT / name).exists() else ROOT / "docs" / name


async def follow(here: Place, block: Any) -> str:
    """Run one block; gives what it printed."""
    program = (
        ["bash", "-euo", "pipefail", "-c"] if block.kind != "python" else [sys.executable, "-c"]
    )
    done = await asyncio.create_subprocess_exec(
        *program,
        block.text.replace(DOCUMENTED, here.url),
        cwd=here.folder,
        env=here.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            out, err = await done.communicate()
    except TimeoutError:
        done.kill()
        raise AssertionError(f"did not end within {PATIENCE_S} s:\n{block.text}") from None
    assert done.returncode == 0, f"{block.text}\n{out.decode()}\n{err.decode()}"
    return out.decode()


def test_what_is_not_run_is_there_and_has_a_reason() -> None:
    used = {
        key
        for key in NOT_RUN
        for name, block in found()
        if name == key[0] and block.text.startswith(key[1])
    }
    assert used == NOT_RUN.keys()
    assert all(NOT_RUN.values())


def test_every_block_that_is_for_running_is_of_a_kind_that_is_run() -> None:
    kinds = {
        match
        for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
        for match in re.findall(r"^```([a-z]+)$", path.read_text(), re.MULTILINE)
    }
    assert kinds <= RUN | {"yaml", "json", "text", "console"}


async def test_the_examples_of_all_documents_succeed(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        await here.start()
        ran = 0
        for name in dict.fromkeys(name for name, _ in found() if name != "tutorial.md"):
            for block in documents().examples(of(name)):
                if not block.text.startswith("# gateway.yaml"):
                    here.keep(block.text)
                if block.kind not in RUN or excused(name, block):
                    continue
                if "@weather.json" in block.text:  # the README's tool, as its author changed it
                    [made] = [
                        each.text for _, each in found() if '"name": "get_weather"' in each.text
                    ]
                    body = re.search(r"-d '(.*)'", made, re.DOTALL)
                    assert body is not None
                    (tmp_path / "weather.json").write_text(body[1].replace("Tell", "Say"))
                out = await follow(here, block)
                assert '"error": {' not in out, f"{block.text}\n{out}"
                ran += 1
        assert ran >= 15


async def test_the_tutorial_can_be_followed_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        for block in documents().examples(ROOT / "docs/tutorial.md"):
            if block.text.startswith(("git clone", "scripts/run\n")):
                await here.start()
            elif block.text.startswith("scripts/run --config"):
                await here.start("gateway.yaml")
            elif here.keep(block.text) is None and block.kind in RUN:
                out = await follow(here, block)
                assert block.expect is not None, block.text
                assert block.expect in out, f"{block.text}\n{out}"


@pytest.mark.parametrize("path", ["README.md", "docs/tutorial.md"])
def test_every_request_says_what_to_expect(path: str) -> None:
    asked = [each for each in documents().examples(ROOT / path) if "curl" in each.text]
    assert [each.text for each in asked if each.expect is None] == []
