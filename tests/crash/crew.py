"""Workers over one database that die at random, and what has to be true when all is done."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text

from tests.crash.bank import Bank
from tests.storage.stores import Kept, sql_stores

ROOT = Path(__file__).parents[2]
_DEADLINE_S = 280.0
"""For as few runs as the suite does: it ends a test after 300."""
_DEADLINE_OF_RUN_S = 12.0
_PATIENCE_S = 20.0


class Told(NamedTuple):
    """A run that was acknowledged: what was asked for, under which name, and its response."""

    number: int
    name: str
    response_id: str


@dataclass
class Crew:
    """The workers over one database, and what is still to be ordered.

    Who ends by itself, as a gateway does that finds no database when it starts, is replaced as a supervisor
    would. `ends` counts the signals that were sent.
    """

    url: str
    bank: Bank
    folder: Path
    todo: list[int]
    kept: Kept
    forker: asyncio.subprocess.Process
    workers: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    ends: Counter[str] = field(default_factory=Counter[str])
    began: float = field(default_factory=time.monotonic)

    @property
    def acknowledged(self) -> Path:
        """Where workers write down what was."""
        return self.folder / "acknowledged"

    async def hire(
        self, most: int = 3, forker: asyncio.subprocess.Process | None = None, **order: str
    ) -> int:
        """One more worker, with so many of the runs that are to be done; gives its process id."""
        mine, self.todo = self.todo[:most], self.todo[most:]
        given = {"url": self.url, "bank": self.bank.url, "runs": mine}
        given |= {"acknowledged": str(self.acknowledged), **order}
        process = forker or self.forker
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(given).encode() + b"\n")
        worker = int(await process.stdout.readline())
        self.workers[worker] = mine
        return worker

    def end(self, worker: int, how: signal.Signals = signal.SIGKILL) -> None:
        """End a worker; what it has not acknowledged is asked for again."""
        mine = self.workers.pop(worker)
        with suppress(ProcessLookupError):
            os.kill(worker, how)
            self.ends[how.name] += 1
        told = {each.number for each in self.told()}
        self.todo += [number for number in mine if number not in told]

    async def replace_who_has_ended(self) -> None:
        """Hire as many as have ended by themselves."""
        for worker in list(self.workers):
            try:
                os.kill(worker, 0)
            except ProcessLookupError:
                self.end(worker)
                self.ends["by itself"] += 1
                await self.hire(len(self.todo))

    def told(self) -> list[Told]:
        """What was acknowledged."""
        lines = [line.split() for line in self.acknowledged.read_text().splitlines()]
        return [Told(int(number), name, response) for number, name, response in lines]

    async def is_idle(self) -> bool:
        """Whether nothing goes on, and nothing is about to begin."""
        told = {each.number for each in self.told()}
        if self.todo or any(run not in told for runs in self.workers.values() for run in runs):
            return False
        assert self.kept.database is not None
        async with self.kept.database.read() as connection:
            left = await connection.execute(text("SELECT count(*) FROM durable_runs"))
            return left.scalar_one() == 0

    async def finish(self) -> None:
        """Return when everything is done; the workers are gone then."""
        while not await self.is_idle():
            await asyncio.sleep(0.1)
            await self.replace_who_has_ended()
        for worker in list(self.workers):
            os.kill(worker, signal.SIGKILL)
        self.workers.clear()

    async def payments(self, more: int, most: int) -> None:
        """Return when so many more were made, or `most` in all."""
        until = min(len(self.bank.payments) + more, most)
        with suppress(TimeoutError):  # what is left may be waiting for somebody who was killed
            async with asyncio.timeout(_PATIENCE_S):
                while len(self.bank.payments) < until:
                    await asyncio.sleep(0.01)
                    await self.replace_who_has_ended()

    async def check(self, runs: int) -> str:
        """Every run was acknowledged, ended well and paid what it was asked to, once. Gives the figures."""
        told = self.told()
        doubled = self.bank.doubled()
        assert not doubled, [each for each in self.bank.payments if each[1] in doubled]
        assert sorted({each.number for each in told}) == list(range(runs))
        assert len({each.response_id for each in told}) == len(told)
        took = sorted([await self._checked(each) for each in told])
        ends = ", ".join(f"{times} {name}" for name, times in sorted(self.ends.items()))
        left = self.left()
        return (
            f"{runs} runs, 0 lost, 0 doubled, {len(self.bank.payments)} payments; workers ended: {ends};"
            f" runs taken over: {len(left)}, {left.total()} times in all; seconds for a run:"
            f" median {took[len(took) // 2]:.1f}, 95 % {took[len(took) * 19 // 20]:.1f},"
            f" longest {took[-1]:.1f}; for all {time.monotonic() - self.began:.0f}"
        )

    def left(self) -> Counter[str]:
        """How often each response was left by who made it, and went on."""
        said = (self.folder / "log").read_text()
        return Counter(re.findall(r"the response (\w+) was left by its gateway", said))

    async def _checked(self, each: Told) -> float:
        """How long the run took, in seconds."""
        invoices = [f"{each.name}a", f"{each.name}b"]
        assert [self.bank.paid(invoice) for invoice in invoices] == [1, 1], each
        made = await self.kept.responses.get("default", each.response_id)
        assert made is not None
        assert made.document["status"] == "completed", made.document
        said = made.document["output"][-1]["content"][0]["text"]
        assert sorted(said.removeprefix("Paid ").removesuffix(".").split(" and ")) == invoices
        run = await self.kept.runs.get("default", made.run_id)
        assert run is not None
        assert (run.status, len(run.trace()["steps"])) == ("completed", 3)
        assert run.finished_at is not None
        return run.finished_at - made.created_at


async def until(so: Callable[[], bool]) -> None:
    """Return when that is so."""
    while not so():  # noqa: ASYNC110 - it comes about in other processes
        await asyncio.sleep(0.02)


@asynccontextmanager
async def forking(folder: Path, *before: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A process that forks workers, who say what they have to into `folder`; `before` its command stands what
    puts it elsewhere."""
    pipe = asyncio.subprocess.PIPE
    command = *before, sys.executable, "-m", "tests.crash.workers"
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=log, cwd=ROOT
        )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def crew_of(url: str, bank: Bank, folder: Path, runs: int) -> AsyncGenerator[Crew]:
    """Nobody hired yet; who is left in the end is killed. Raises `TimeoutError` where it takes too long."""
    kept = sql_stores(url)
    async with (
        asyncio.timeout(max(_DEADLINE_S, runs * _DEADLINE_OF_RUN_S)),
        forking(folder) as forker,
    ):
        crew = Crew(url, bank, folder, list(range(runs)), kept, forker)
        crew.acknowledged.touch()
        try:
            yield crew
        finally:
            for worker in crew.workers:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
    await kept.aclose()
