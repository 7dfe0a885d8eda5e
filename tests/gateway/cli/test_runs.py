"""`gateway runs` and `gateway stats`, against a running gateway and against its database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from gateway.cli import commands
from gateway.cli.exits import CommandError
from gateway.cli.when import moment, span
from gateway.storage.retention import Retention
from gateway.storage.runs import RunStore
from gateway.storage.sql.migrate import prepare
from gateway.storage.sql.stores import open_stores
from routing.backends.scripted import Call
from tests.console.seed import CONVERT, FIND, REFUND, Story
from tools.spec import Failure

from .conftest import Serve

Ask = Callable[..., Result]
DAY = 86_400.0


def seeded(store: RunStore) -> None:
    for place in range(40):
        old = Story(store, "before", 2 * DAY + place).turn(calls=1)
        old.call(FIND, took=0.1).turn("Old.").end("Old.")
    for place in range(30):
        new = Story(store, f"now {place}", 600 - place).turn(calls=1)
        late = Failure.TIMEOUT if place % 2 else None
        new.call(FIND, "late", took=0.4, failure=late).call(CONVERT, took=0.01)
        new.turn("New.").end("New.")
    lent = Story(store, "Refund [red]20817", 5).turn(calls=1).lent("destructive", "it destroys")
    lent.turn(calls=1, took=9.0, expert=True).call(REFUND, order="20817").turn("Paid.").end("Paid.")


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Runs a command over a database with runs."""
    url = f"sqlite:///{tmp_path}/gateway.db"

    async def fill() -> None:
        stores = open_stores(url, Retention())
        seeded(stores.runs)
        for store in stores:
            await store.aclose()

    prepare(url)
    asyncio.run(fill())
    environment = {"GATEWAY__STORAGE__URL": url, "COLUMNS": "200"}

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(commands(), list(arguments), env=environment)

    return run


def lines(done: Result) -> list[dict[str, Any]]:
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_runs_are_listed_from_the_database(ask: Ask) -> None:
    done = ask("runs", "list", "--limit", "2")
    assert done.exit_code == 0, done.output
    assert "Refund [red]20817" in done.output
    assert "now 29" in done.output
    assert "now 28" not in done.output


def test_runs_are_filtered(ask: Ask) -> None:
    def told(*arguments: str) -> list[str]:
        found = lines(ask("runs", "list", "--json", "--limit", "500", *arguments))
        return [run["question"] for run in found]

    assert len(told()) == 71
    assert told("--escalated") == ["Refund [red]20817"]
    assert len(told("--failing")) == 15
    assert len(told("--since", "1d")) == 31
    assert len(told("--until", "1d")) == 40
    assert told("--tool", "convert_units", "--text", "NOW 7") == ["now 7"]
    assert told("--status", "failed") == []


def test_a_run_is_shown_with_its_calls(ask: Ask) -> None:
    done = ask("runs", "show", "last")
    assert done.exit_code == 0, done.output
    assert '→ refund_order {"order": "20817"}' in done.output
    assert "⇡ step 1, destructive: it destroys; decided by mistral-large" in done.output
    assert "Paid." in done.output
    missing = ask("runs", "show", "run_gone")
    assert missing.exit_code == 1
    assert "no run run_gone" in missing.output


def test_the_tail_begins_with_the_last_ones(ask: Ask) -> None:
    done = ask("runs", "tail", "--count", "3", "--backlog", "3", "--json")
    assert [run["question"] for run in lines(done)] == ["now 28", "now 29", "Refund [red]20817"]


def test_an_export_has_every_run_whole(ask: Ask, tmp_path: Path) -> None:
    done = ask("runs", "export", "-")
    exported = lines(done)
    assert len(exported) == 71
    assert exported[0]["trace"]["answer"] == "Paid."
    assert ask("runs", "export", str(tmp_path / "runs.parquet")).exit_code == 0
    table = parquet.read_table(tmp_path / "runs.parquet").to_pylist()
    assert [row["id"] for row in table] == [run["id"] for run in exported]
    assert table[0]["tools"] == ["refund_order"]
    assert json.loads(table[0]["trace"])["answer"] == "Paid."


def test_calls_are_exported_a_row_each(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "calls.parquet"
    assert ask("runs", "export", str(file), "--rows", "calls", "--since", "1d").exit_code == 0
    calls = parquet.read_table(file).to_pylist()
    assert len(calls) == 61
    assert sum(call["outcome"] == "timeout" for call in calls) == 15
    assert calls[0]["arguments"] == '{"order":"20817"}'


def test_a_file_that_cannot_be_written_is_told(ask: Ask, tmp_path: Path) -> None:
    done = ask("runs", "export", str(tmp_path / "no/such/folder.jsonl"))
    assert done.exit_code == 2
    assert "can't be written" in done.output


def test_statistics_name_what_fails_what_is_slow_and_what_is_escalated(ask: Ask) -> None:
    done = ask("stats")
    assert done.exit_code == 0, done.output
    assert "31 runs (31 completed)" in done.output
    assert "15 (50%)" in done.output
    assert "timeout 15" in done.output
    assert "destructive" in done.output
    slowest = done.output.split("Slowest runs")[1].splitlines()[2]
    assert "Refund [red]20817" in slowest


def test_drift_is_told_against_the_time_before(ask: Ask) -> None:
    done = ask("stats", "--against", "30d", "--json")
    [told] = lines(done)
    drifted = told["drift"]
    assert drifted["divergence"] > 0.05
    rows = {row["name"]: row for row in drifted["tools"]}
    assert (rows["find_orders"]["bad_before"], rows["find_orders"]["bad_now"]) == (0.0, 0.5)
    assert rows["find_orders"]["bad_z"] > 4
    assert rows["find_orders"]["slower"] == pytest.approx(4.0)
    shown = ask("stats", "--against", "30d").output
    assert "the mix of tools has moved" in shown
    assert "0% → 50%" in shown


def test_without_a_database_a_command_says_what_to_do(tmp_path: Path) -> None:
    for url, hint in ((f"sqlite:///{tmp_path}/none.db", "--url"), ("memory:", "--url http")):
        done = CliRunner().invoke(commands(), ["runs", "list"], env={"GATEWAY__STORAGE__URL": url})
        assert done.exit_code == 2
        assert hint in done.output
    assert not (tmp_path / "none.db").exists()


def test_a_running_gateway_is_asked_the_same(serve: Serve) -> None:
    url = serve(Call("calculate", {"expression": "6 * 7"}), "42.")
    CliRunner().invoke(commands(), ["chat", "What is 6 * 7?", "--url", url])
    [run] = lines(CliRunner().invoke(commands(), ["runs", "list", "--json", "--url", url]))
    assert (run["question"], run["tools"]) == ("What is 6 * 7?", ["calculate"])
    [kept] = lines(
        CliRunner().invoke(
            commands(),
            [
                "runs",
                "list",
                "--json",
                "--url",
                url,
                "--tool",
                "calculate",
                "--status",
                "completed",
            ],
        )
    )
    assert kept == run
    shown = CliRunner().invoke(commands(), ["runs", "show", run["id"], "--url", url])
    assert "calculate" in shown.output
    [told] = lines(CliRunner().invoke(commands(), ["stats", "--json", "--url", url]))
    assert told["runs"]["total"] == 1


def test_times_are_read_as_people_write_them() -> None:
    assert span("90m") == 5400
    assert moment("2d", now=3 * DAY) == DAY
    assert moment("1970-01-02T00:00+00:00") == DAY
    for odd in ("yesterday", "0h", "-1d", ""):
        with pytest.raises(CommandError):
            span(odd)
