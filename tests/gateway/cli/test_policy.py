"""`gateway policy`: check, test, explain."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import commands

POLICIES = """
@id("use") permit (principal, action, resource);
@id("big") @approval("more than 100") permit (principal, action == Action::"call", resource)
when { context.number.hasTag("amount") && context.number.getTag("amount") > 100 };
"""
CASES = """
cases:
  - {action: call, tool: {name: pay, effect: write}, arguments: {amount: 100}, expect: allow}
  - {action: call, tool: {name: pay, effect: write}, arguments: {amount: 101}, expect: approval, policy: big}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gateway.yaml").write_text("policies: {cedar: mine.cedar}\n")
    (tmp_path / "mine.cedar").write_text(POLICIES)
    (tmp_path / "mine.cases.yaml").write_text(CASES)
    return tmp_path


def policy(folder: Path, *arguments: str) -> tuple[int, str]:
    config = str(folder / "gateway.yaml")
    done = CliRunner().invoke(commands(), ["policy", *arguments, "--config", config])
    return done.exit_code, done.output


def test_good_policies_are_counted(folder: Path) -> None:
    code, told = policy(folder, "check")
    assert code == 0
    assert "2 policies, version" in told


def test_policies_that_do_not_fit_are_told_with_their_place(folder: Path) -> None:
    (folder / "mine.cedar").write_text('permit (principal, action == Action::"fly", resource);')
    code, told = policy(folder, "check")
    assert code == 1
    assert "mine.cedar" in told


def test_cases_that_are_answered_otherwise_are_told(folder: Path) -> None:
    assert policy(folder, "test") == (0, "2 of 2 cases are answered as expected\n")
    text = (folder / "mine.cases.yaml").read_text().replace("101", "99")
    (folder / "mine.cases.yaml").write_text(text)
    code, told = policy(folder, "test")
    assert code == 1
    assert "answered allow by use" in told
    assert "1 of 2" in told


def test_a_table_that_can_not_be_read_is_told(folder: Path) -> None:
    (folder / "mine.cases.yaml").write_text("cases: [{action: fly}]")
    code, told = policy(folder, "test")
    assert code == 1
    assert "cases.0.action" in told


def test_explain_names_the_policy_that_decided(folder: Path) -> None:
    asked = ["explain", "call", "pay", "--effect", "write", "--arguments"]
    code, told = policy(folder, *asked, '{"amount": 500}')
    assert code == 0
    assert told.startswith("approval: more than 100\ndecided by: big\n")
    assert "decided by: use" in policy(folder, *asked, "{}")[1]
    assert policy(folder, *asked, "{")[0] == 2


def test_a_gateway_does_not_start_with_policies_that_do_not_fit(folder: Path) -> None:
    from gateway.access.audit import AuditLog
    from gateway.compose import CompositionError
    from gateway.compose.policies import build_policies
    from gateway.settings import load_settings

    (folder / "mine.cedar").write_text("permit (principal")
    with pytest.raises(CompositionError, match=r"policies\.cedar"):
        build_policies(load_settings(folder / "gateway.yaml"), AuditLog())
