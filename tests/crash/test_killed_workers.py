"""Three workers answer in the background and are killed: every run ends well, every effect is there once.

`--crashes 200` kills 200 workers in the middle of 300 runs, on each database.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from tests.crash.bank import Bank, open_bank
from tests.storage.stores import Kept, sql_stores

ROOT = Path(__file__).parents[2]
_DEADLINE_S = 600.0


@dataclass
class Crew:
    """The workers over one database, and what is still to be ordered."""

    url: str
    bank: Bank
    acknowledged: Path
    todo: list[int]
    process: asyncio.subprocess.Process
    workers: dict[int, list[int]] = field(default_factory=dict[int, list[int]])

    async def hire(self) -> None:
        """One more, with two of the runs that are to be done."""
        mine, self.todo = self.todo[:2], self.todo[2:]
        order = {"url": self.url, "bank": self.bank.url, "runs": mine}
        order["acknowledged"] = str(self.acknowledged)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.workers[int(await self.process.stdout.readline())] = mine

    def kill(self, worker: int) -> None:
        del self.workers[worker]
        with suppress(ProcessLookupError):  # it could not reach the database in time, and has ended
            os.kill(worker, signal.SIGKILL)

    async def is_idle(self, kept: Kept) -> bool:
        """Whether nothing is going on, and nothing is about to begin."""
        told = self.told()
        if self.todo or any(run not in told for runs in self.workers.values() for run in runs):
            return False
        assert kept.database is not None
        async with kept.database.read() as connection:
            left = await connection.execute(text("SELECT count(*) FROM durable_runs"))
            return left.scalar_one() == 0

    def told(self) -> dict[int, str]:
        """The response of each run that was acknowledged."""
        lines = self.acknowledged.read_text().splitlines()
        return {int(number): response for number, response in map(str.split, lines)}


async def test_runs_in_the_background_outlive_the_workers_that_do_them(
    url: str, tmp_path: Path, crashes: int
) -> None:
    runs, chance, pipe = crashes * 3 // 2, random.Random(7), asyncio.subprocess.PIPE
    command = sys.executable, "-m", "tests.crash.workers"
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
    acknowledged = tmp_path / "acknowledged"
    acknowledged.touch()
    kept = sql_stores(url)
    async with open_bank() as bank:
        crew = Crew(url, bank, acknowledged, list(range(runs)), process)
        for _ in range(3):
            await crew.hire()
        kills = 0
        while crew.todo or (kills < crashes and not await crew.is_idle(kept)):
            await _progress(bank, chance.randint(1, 4), runs)
            await asyncio.sleep(chance.uniform(0, 0.1))
            crew.kill(chance.choice(list(crew.workers)))
            kills += 1
            await crew.hire()
        async with asyncio.timeout(_DEADLINE_S):
            while not await crew.is_idle(kept):  # noqa: ASYNC110 - it goes on in other processes
                await asyncio.sleep(0.1)
        told = crew.told()
        for worker in list(crew.workers):
            crew.kill(worker)
    process.kill()
    await process.wait()
    for number in range(runs):
        payments = bank.paid(f"{number}a"), bank.paid(f"{number}b")
        if number not in told:  # killed before it could say yes: it may have begun, or not
            assert max(payments) <= 1, (number, payments)
            continue
        assert payments == (1, 1), (number, payments)
        made = await kept.responses.get("default", told[number])
        assert made is not None
        said = made.document["output"][-1]["content"][0]["text"]
        assert made.document["status"] == "completed", made.document
        assert sorted(said.removeprefix("Paid ").removesuffix(".").split(" and ")) == [
            f"{number}a",
            f"{number}b",
        ]
        run = await kept.runs.get("default", made.run_id)
        assert run is not None
        assert (run.status, len(run.trace()["steps"])) == ("completed", 3)
    await kept.aclose()
    assert kills >= min(crashes, 1)
    sys.stderr.write(f"{kills} kills, {len(told)} runs acknowledged of {runs}\n")


async def _progress(bank: Bank, payments: int, runs: int) -> None:
    """Return when so many more were paid, or nothing is left to pay."""
    until = min(len(bank.payments) + payments, 2 * runs)
    with suppress(TimeoutError):  # what is left may be waiting for somebody who was killed
        async with asyncio.timeout(20.0):
            while len(bank.payments) < until:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
