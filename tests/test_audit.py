"""What an answer of pip-audit comes to: silence is no good news."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "audit_verdict.py"
WELL: dict[str, Any] = {"name": "aiohttp", "version": "3.14.5", "vulns": []}
WEAK: dict[str, Any] = {
    "name": "starlette",
    "version": "1.0.0",
    "vulns": [{"id": "CVE-2026-48710", "fix_versions": ["1.0.1"], "aliases": []}],
}
UNASKED: dict[str, Any] = {"name": "litellm", "skip_reason": "not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "code", "told"),
    [
        ([WELL], 0, ""),
        ([WELL, WEAK], 1, "starlette 1.0.0: CVE-2026-48710, fixed in 1.0.1"),
        ([UNASKED], 3, "had for none of 1 packages, not for litellm"),
        ([WELL, UNASKED], 3, "had for 1 of 2 packages"),
        ([WEAK, UNASKED], 1, "not for litellm"),
        ([], 3, "nothing was checked"),
    ],
)
def test_what_is_known_and_what_could_not_be_asked_are_told_apart(
    tmp_path: Path, packages: list[dict[str, Any]], code: int, told: str
) -> None:
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps({"dependencies": packages, "fixes": []}))
    done = judged(answer)
    assert done.returncode == code
    assert told in done.stdout


def test_no_answer_is_not_a_clean_one(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text('{"dependencies": [')
    for name in ("missing.json", "cut.json"):
        done = judged(tmp_path / name)
        assert done.returncode == 3
        assert "nothing was checked" in done.stdout


@pytest.mark.parametrize(
    ("package", "zizmor", "code", "told"),
    [
        (WELL, (0, "online"), 0, ""),
        (WELL, (0, "offline"), 0, "not checked: whether actions have known weaknesses"),
        (WELL, (14, "offline"), 1, "zizmor found"),
        (WELL, (1, "offline"), 3, "no workflow was checked"),
        (WELL, (127, "online"), 3, "no workflow was checked"),
        (UNASKED, (13, "online"), 1, "AUDIT_SERVICE=osv scripts/audit"),
        (WEAK, (1, "online"), 1, "no workflow was checked"),
    ],
)
def test_what_was_not_checked_is_told_and_what_is_known_weighs_more(
    tmp_path: Path, package: dict[str, Any], zizmor: tuple[int, str], code: int, told: str
) -> None:
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps({"dependencies": [package], "fixes": []}))
    done = judged(answer, *zizmor)
    assert done.returncode == code
    assert told in done.stdout
    is_partial = zizmor in ((0, "offline"), (14, "offline"))
    assert ("not checked: whether actions" in done.stdout) == is_partial


def judged(answer: Path, ended: int = 0, reach: str = "online") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(answer), str(ended), reach]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_versions_that_were_compared_by_hand_are_those_that_are_locked() -> None:
    root = SCRIPT.parents[1]
    locked = {
        each["name"]: each["version"]
        for each in tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))["package"]
        if "version" in each
    }
    text = (root / "SECURITY.md").read_text(encoding="utf-8")
    table = text.partition("| package | locked |")[2].partition("\n\n")[0].splitlines()[2:]
    assert len(table) > 5
    for names, versions in (line.strip("| ").split(" | ")[:2] for line in table):
        for name, version in zip(names.split(", "), versions.split(", "), strict=True):
            package = name.partition("(")[2].strip(")") or name
            build = locked[package.lower()].rpartition(".")[2]
            assert version in (locked[package.lower()], f"build {build}"), name
