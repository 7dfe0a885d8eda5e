"""The document, the command and the table in docs/openapi.md belong together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import commands

GUIDE = Path(__file__).parents[3] / "docs" / "openapi.md"
_BLOCK = re.compile(r"^```(?P<kind>[a-z]+)\n(?P<text>.*?)^```\n", re.MULTILINE | re.DOTALL)


def words(text: str) -> list[str]:
    """Tables are as wide as the terminal: only their words are compared."""
    return text.split()


def test_the_guides_document_gives_the_tools_that_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    document, command, shown = [match["text"] for match in _BLOCK.finditer(text)][:3]
    (tmp_path / "zoo.yaml").write_text(document, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(commands(), command.split()[1:], env={"COLUMNS": "250"})
    assert done.exit_code == 0
    assert words(done.output) == words(shown)
