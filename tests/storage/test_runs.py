"""Runs: what holds in memory, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

from typing import Any

from gateway.agent.events import RunFinished, RunStarted, TextDelta, TurnFinished, TurnStarted
from gateway.agent.run import Outcome, RunRequest
from gateway.storage.runs import RunLog, RunView
from gateway.storage.sql.runs import SqlRunStore, StoredRun
from routing.backend import Usage
from tests.storage.stores import Kept, asked


def finish(log: RunLog, text: str = "Hi.") -> None:
    log.append(RunStarted(log.request, ("add",)))
    log.append(TurnStarted(1, "intermediary", "small", "asked"))
    log.append(TextDelta(text))
    log.append(TurnFinished(1, text, 0, "stop", Usage(5, 2), 0.001, 0.5, 0.1))
    log.append(RunFinished(Outcome("answer", text, steps=1)))


async def written(kept: Kept) -> None:
    """Until all runs that have ended are in the store."""
    if isinstance(kept.runs, SqlRunStore):
        await kept.runs.settled()


def read(run: RunView | None) -> dict[str, Any]:
    assert run is not None
    head = {
        name: getattr(run, name)
        for name in ("tenant", "run_id", "role", "status", "created_at", "finished_at", "error")
    }
    return {**head, **run.trace()}


async def events(run: RunView | None) -> list[Any]:
    assert run is not None
    return [event async for event in run.follow()]


async def test_a_run_reads_the_same_before_and_after_it_was_written(kept: Kept) -> None:
    log = kept.runs.begin(asked())
    finish(log, "odd: \0 \ud800 Ünï")
    before, told = read(log), await events(log)
    await written(kept)
    found = await kept.runs.get("a", log.run_id)
    assert isinstance(found, StoredRun if kept.database else RunLog)
    assert read(found) == before
    assert await events(found) == told
    assert [name for name, _ in told] == [
        "run.started",
        "turn.started",
        "turn.finished",
        "run.finished",
    ]


async def test_a_run_that_failed_says_why(kept: Kept) -> None:
    log = kept.runs.begin(asked())
    log.finish("failed", "no model")
    await written(kept)
    found = await kept.runs.get("a", log.run_id)
    assert found is not None
    assert (found.status, found.error) == ("failed", "no model")


async def test_a_run_that_is_going_is_read_from_the_process(kept: Kept) -> None:
    log = kept.runs.begin(asked())
    await written(kept)
    log.append(RunStarted(log.request, ("add",)))
    assert await kept.runs.get("a", log.run_id) is log
    assert log.trace()["offered"] == ["add"]
    finish(log)


async def test_the_newest_runs_come_first_whether_they_go_or_not(kept: Kept) -> None:
    logs = [kept.runs.begin(asked()) for _ in range(6)]
    for n, log in enumerate(logs):
        log.created_at = float(n)
    for log in logs[::2]:
        finish(log)
    await written(kept)
    recent = await kept.runs.recent("a", 4)
    assert [run.run_id for run in recent] == [log.run_id for log in logs[:1:-1]]
    assert [run.status for run in recent] == ["running", "completed"] * 2


async def test_no_tenant_sees_anothers_runs(kept: Kept) -> None:
    log = kept.runs.begin(asked("a"))
    for _ in range(2):
        assert await kept.runs.get("b", log.run_id) is None
        assert list(await kept.runs.recent("b", 10)) == []
        finish(log)
        await written(kept)
    assert await kept.runs.get("a", log.run_id) is not None


async def test_the_same_id_of_two_tenants_is_two_runs(kept: Kept) -> None:
    for tenant in ("a", "b"):
        request = RunRequest(asked().messages, run_id="run_1", tenant=tenant)
        finish(kept.runs.begin(request), f"of {tenant}")
    await written(kept)
    for tenant in ("a", "b"):
        assert read(await kept.runs.get(tenant, "run_1"))["answer"] == f"of {tenant}"
