from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from gateway.cli import commands

from .conftest import Serve

cli = CliRunner()


def run(*words: str) -> str:
    done = cli.invoke(commands(), ["schedules", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_schedule_is_made_seen_paused_resumed_and_deleted(serve: Serve, tmp_path: Path) -> None:
    url = serve()
    file = tmp_path / "request.json"
    file.write_text('{"input": "Go.", "instructions": "Be brief."}')
    weekdays = ["--cron", "0 9 * * 1-5", "--time-zone", "Europe/Paris", "--name", "report"]
    made = run("create", "--request", str(file), *weekdays, "--url", url).strip()
    hourly = run("create", "Go.", "--every", "1h", "--overlap", "queue", "--url", url).strip()
    [last, first] = json.loads(run("list", "--json", "--url", url))
    assert (first["id"], first["when"]["cron"]) == (made, "0 9 * * 1-5")
    assert first["request"]["instructions"] == "Be brief."
    assert (last["id"], last["when"], last["overlap"]) == (hourly, {"every_s": 3600}, "queue")
    listed = run("list", "--url", url)
    assert "report" in listed
    assert "active" in listed
    run("edit", made, "Stop.", "--cron", "0 8 * * *", "--name", "early", "--url", url)
    edited = json.loads(run("show", made, "--url", url))
    assert (edited["when"], edited["name"]) == ({"cron": "0 8 * * *"}, "early")
    assert (edited["request"], edited["missed"]) == ({"input": "Stop."}, "one")
    nothing = cli.invoke(commands(), ["schedules", "edit", made, "--url", url])
    assert (nothing.exit_code, "say what is to change" in nothing.output) == (2, True)
    run("pause", made, "--url", url)
    assert json.loads(run("show", made, "--url", url))["state"] == "paused"
    run("resume", made, "--url", url)
    assert json.loads(run("runs", made, "--json", "--url", url)) == []
    run("delete", made, "--url", url)
    gone = cli.invoke(commands(), ["schedules", "show", made, "--url", url])
    assert gone.exit_code == 1
    assert "not found" in gone.output


def test_what_is_wrong_with_it_is_said_in_words(serve: Serve) -> None:
    url = serve()
    for words, code, told in (
        (["--every", "1h"], 2, "say what to ask"),
        (["Go.", "--every", "soon"], 2, "no length of time"),
        (["Go.", "--cron", "61 * * * *"], 1, "bad minute"),
        (["Go.", "--request", "no-such-file"], 2, "say what to ask"),
        (["--request", "no-such-file"], 2, "no-such-file"),
    ):
        done = cli.invoke(commands(), ["schedules", "create", *words, "--url", url])
        assert done.exit_code == code, done.output
        assert told in done.output
