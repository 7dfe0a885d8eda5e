"""`gateway keys`, against a store in a file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import commands


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.yaml"
    path.write_text("storage: {url: sqlite:///gateway.db}\n")
    return path


def keys(config: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(commands(), ["keys", *arguments, "--config", str(config)])
    return done.exit_code, done.output


def test_a_key_is_made_listed_rotated_and_revoked(config: Path) -> None:
    code, told = keys(config, "create", "--role", "operator", "--name", "me", "--expires", "90d")
    assert code == 0
    assert "shown this once" in told
    first = told.split()[-1]
    code, told = keys(config, "list")
    assert first[:16] in told
    assert first not in told
    code, told = keys(config, "rotate", first[4:16], "--grace", "1h")
    second = told.split()[-1]
    assert (code, second != first) == (0, True)
    assert keys(config, "revoke", second[:16])[0] == 0
    assert "revoked" in keys(config, "list")[1]
    assert keys(config, "rotate", second[4:16])[0] == 1

    with closing(sqlite3.connect(config.parent / "gateway.db")) as database:
        dump = "\n".join(database.iterdump())
    for secret in (first, second):
        assert secret[4:16] in dump
        assert secret[17:] not in dump


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["create", "--role", "root"], "no role root"),
        (["create", "--tenant", "a/b"], "can't be a tenant"),
        (["create", "--expires", "soon"], "no length of time"),
        (["revoke", "gwk_000000000000_secretsecret"], "no id of a key"),
    ],
)
def test_what_makes_no_sense_is_refused(config: Path, arguments: list[str], told: str) -> None:
    code, output = keys(config, *arguments)
    assert code == 2
    assert told in output
    assert "secretsecret" not in output


def test_an_unknown_key_is_told(config: Path) -> None:
    assert keys(config, "revoke", "0" * 12)[0] == 1


def test_a_store_that_forgets_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("storage: {url: 'memory:'}\n")
    code, told = keys(path, "create")
    assert code == 2
    assert "memory:" in told


def test_what_is_done_to_keys_stands_in_the_audit_log(config: Path) -> None:
    secret = keys(config, "create")[1].split()[-1]
    keys(config, "revoke", secret[4:16])
    shown = CliRunner().invoke(commands(), ["audit", "show", "--config", str(config)])
    assert [part in shown.output for part in ("create_key", "revoke_key", secret[4:16])] == [
        True
    ] * 3
    assert secret not in shown.output
    whole = CliRunner().invoke(commands(), ["audit", "verify", "--config", str(config)])
    assert (whole.exit_code, whole.output[:17]) == (0, "2 entries, whole;")
    with closing(sqlite3.connect(config.parent / "gateway.db")) as database, database:
        database.execute("DELETE FROM audit WHERE number = 1")
    broken = CliRunner().invoke(commands(), ["audit", "verify", "--config", str(config)])
    assert (broken.exit_code, "entry 1 is missing" in broken.output) == (1, True)
