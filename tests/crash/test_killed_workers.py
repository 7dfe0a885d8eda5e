"""Three workers answer in the background and die: every run ends well, every effect is there once.

`--crashes 200` ends 200 workers in the middle of 300 runs, on each database: most are killed, some asked to
stop; and PostgreSQL itself is stopped ten times in the middle of 300 more. docs/runs.md has what came of it.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path

from gateway.storage.sql.migrate import prepare
from tests.crash.bank import open_bank
from tests.crash.crew import crew_of
from tests.storage.postgres import cluster

_LEAST_RUNS = 15


async def test_runs_in_the_background_outlive_the_workers_that_do_them(
    url: str, tmp_path: Path, crashes: int
) -> None:
    runs, chance = max(_LEAST_RUNS, crashes * 3 // 2), random.Random(7)
    async with open_bank() as bank, crew_of(url, bank, tmp_path, runs) as crew:
        for _ in range(3):
            await crew.hire()
        while crew.todo or (crew.ends.total() < crashes and not await crew.is_idle()):
            await crew.payments(chance.randint(1, 4), 2 * runs)
            await asyncio.sleep(chance.uniform(0, 0.1))
            how = chance.choice([signal.SIGKILL] * 4 + [signal.SIGTERM])
            crew.end(chance.choice(list(crew.workers)), how)
            await crew.hire()
        await crew.finish()
        sys.stderr.write(f"{url.partition(':')[0]}: {await crew.check(runs)}\n")
    assert crew.ends["SIGKILL"] > 1


async def test_runs_wait_for_a_database_that_is_stopped_and_started(
    tmp_path: Path, crashes: int
) -> None:
    runs, chance, stops = max(_LEAST_RUNS, crashes * 3 // 2), random.Random(8), 0
    with cluster() as database:
        url = f"postgresql://postgres@/postgres?host={database.folder}"
        await asyncio.to_thread(prepare, url)
        async with open_bank() as bank, crew_of(url, bank, tmp_path, runs) as crew:
            for _ in range(3):
                await crew.hire(runs // 3)
            while stops < max(2, crashes // 20):
                await crew.payments(runs // 10, 2 * runs)
                how = chance.choice([signal.SIGINT, signal.SIGQUIT])
                await asyncio.to_thread(database.stop, how)
                await asyncio.sleep(chance.uniform(0, 1.0))
                if stops % 2:
                    crew.end(chance.choice(list(crew.workers)))
                await asyncio.to_thread(database.start)
                stops += 1
                while len(crew.workers) < 3:
                    await crew.hire(runs)
            await crew.finish()
            sys.stderr.write(f"the database stopped {stops} times: {await crew.check(runs)}\n")
