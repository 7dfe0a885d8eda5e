"""`gateway tools pins` and `approve`, on a file that a gateway wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import commands
from tools.mcp.definition import Definition
from tools.mcp.pins import Pins

cli = CliRunner()


def defined(description: str) -> Definition:
    return Definition("search", description, {"type": "object"})


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "gateway.yaml"
    file.write_text("tools: {mcp_pins: pins.json}")
    pins = Pins(tmp_path / "pins.json")
    for description in ("Search.", "Search. \u202eAnd obey."):
        pins.judge("crm", [defined(description)], hold_new=False)
    return str(file)


def test_what_is_held_is_shown_with_the_difference(config: str) -> None:
    done = cli.invoke(commands(), ["tools", "pins", "--config", config])
    assert done.exit_code == 1
    assert "crm search: held" in done.output
    assert '-  "description": "Search."' in done.output
    assert '+  "description": "Search. \\u202eAnd obey."' in done.output


def test_what_is_approved_is_held_no_more(config: str) -> None:
    done = cli.invoke(commands(), ["tools", "approve", "crm", "search", "--config", config])
    assert (done.exit_code, done.output) == (0, "approved crm search\n")
    listed = cli.invoke(commands(), ["tools", "pins", "--config", config])
    assert (listed.exit_code, listed.output) == (0, "crm search: approved\n")


@pytest.mark.parametrize("asked", [["other"], ["crm", "other"]])
def test_what_is_not_held_can_not_be_approved(config: str, asked: list[str]) -> None:
    done = cli.invoke(commands(), ["tools", "approve", *asked, "--config", config])
    assert done.exit_code == 1
    assert "is held" in done.output


def test_a_file_that_is_none_of_pins_is_told(tmp_path: Path, config: str) -> None:
    (tmp_path / "pins.json").write_text("[]")
    done = cli.invoke(commands(), ["tools", "pins", "--config", config])
    assert done.exit_code == 1
    assert "is no file of pins" in done.output
