"""Runs that people have decided about, and workers that are killed while these go on: each ends well, and every
effect is there once, the approved ones and those that came after.

`--crashes 200` kills 200 workers in the middle of 300 runs, on each database.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import RunEvent
from gateway.agent.run import Limits, RunRequest
from gateway.api.driving import drive
from gateway.api.responses.creation import nobody_leaves
from gateway.services import Services
from tests.crash.bank import Bank, open_bank
from tests.crash.resumers import services_of

ROOT = Path(__file__).parents[2]
APPROVED: dict[str, Any] = {
    "decision": "approve",
    "edited_arguments": None,
    "decision_reason": None,
}
_DEADLINE_S = 600.0


@dataclass
class Shift:
    """The workers that are alive."""

    process: asyncio.subprocess.Process
    workers: list[int] = field(default_factory=list[int])

    async def hire(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.workers.append(int(await self.process.stdout.readline()))

    def kill(self, worker: int) -> None:
        self.workers.remove(worker)
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


async def test_what_was_approved_goes_on_whichever_worker_is_killed(url: str, crashes: int) -> None:
    runs, chance = range(crashes * 3 // 2), random.Random(7)
    async with open_bank() as bank:
        services = services_of(url, bank.url)
        await asyncio.gather(*(_approved(services, number) for number in runs))
        command = sys.executable, "-m", "tests.crash.resumers", url, bank.url
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
        shift = Shift(process)
        for _ in range(2):
            await shift.hire()
        kills = 0
        async with asyncio.timeout(_DEADLINE_S):
            while not await _over(services, runs):
                if kills < crashes:
                    await _progress(bank, chance.randint(1, 3))
                    await asyncio.sleep(chance.uniform(0, 0.1))
                    shift.kill(chance.choice(shift.workers))
                    kills += 1
                    await shift.hire()
                else:
                    await asyncio.sleep(0.1)
        for worker in list(shift.workers):
            shift.kill(worker)
    process.kill()
    await process.wait()
    for number in runs:
        payments = bank.paid(f"{number}a"), bank.paid(f"{number}b")
        assert payments == (1, 1), (number, payments)
        run = await services.store.get("default", f"run_{number}")
        assert run is not None
        trace = run.trace()
        assert (run.status, len(trace["steps"])) == ("completed", 3)
        paid = trace["answer"].removeprefix("Paid ").removesuffix(".").split(" and ")
        assert sorted(paid) == [f"{number}a", f"{number}b"]
        assert [each["decision"] for each in trace["approvals"]] == ["approve"]
    await services.aclose()
    assert kills
    sys.stderr.write(f"{kills} kills, {len(runs)} runs\n")


async def _approved(services: Services, number: int) -> None:
    """A run that has come to its first invoice, which a person has approved."""
    asked = (UserMessage(content=f"Pay {number}a and {number}b."),)
    request = RunRequest(asked, limits=Limits(deadline_s=600.0), run_id=f"run_{number}")
    await drive(services, services.store.begin(request), nobody_leaves, _unheard)
    kept = await services.suspensions.get("default", request.run_id)
    assert kept is not None
    [held] = kept.now_waiting()
    await services.suspensions.decide("default", request.run_id, held["call_id"], APPROVED)


async def _unheard(_event: RunEvent) -> None:
    """Nobody waits for these runs."""


async def _over(services: Services, runs: range) -> bool:
    found = [await services.suspensions.get("default", f"run_{number}") for number in runs]
    return all(each is not None and each.status == "over" for each in found)


async def _progress(bank: Bank, payments: int) -> None:
    """Return when so many more were paid; what is left may be waiting for somebody who was killed."""
    until = len(bank.payments) + payments
    with suppress(TimeoutError):
        async with asyncio.timeout(5.0):
            while len(bank.payments) < until:  # noqa: ASYNC110 - it goes on in other processes
                await asyncio.sleep(0.01)
