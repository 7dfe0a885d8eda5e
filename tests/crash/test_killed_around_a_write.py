"""SIGKILL around a write, restart, ask again: every effect once, or in the hands of a person.

`--crashes 200` kills that often on each database.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from gateway.storage.ledger import EntryState, Receipt
from gateway.storage.retention import Retention
from gateway.storage.sql.stores import SqlStores, open_stores
from tests.crash.bank import Bank, open_bank

ROOT = Path(__file__).parents[2]
POINTS = (
    "before the intent",
    "after the intent",
    "before the effect",
    "after the effect",
    "before the receipt",
    "after the receipt",
    "at a random time",
)
_LONGEST_LIFE_S = 0.2
_DEADLINE_S = 600.0


@dataclass
class Lives:
    """Lives of a gateway over one database that are ended from outside or by themselves."""

    url: str
    bank: Bank
    process: asyncio.subprocess.Process
    chance: random.Random = field(default_factory=lambda: random.Random(4))
    kills: int = 0

    async def live(self, invoice: int, call_id: str, point: str = "") -> None:
        """One life. Every second tool has a read-back."""
        order = {"url": self.url, "bank": self.bank.url, "read_back": invoice % 2 == 1}
        order |= {"invoice": str(invoice), "call_id": call_id, "point": point}
        loop = asyncio.get_running_loop()
        self.bank.asking = loop.create_future()
        self.bank.moment = point if point in ("before the effect", "after the effect") else None
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        pid = await self._told()
        self.bank.asking.set_result(pid)
        moment = self.chance.uniform(0, _LONGEST_LIFE_S)
        timer = loop.call_later(moment, os.kill, pid, signal.SIGKILL)
        if point != "at a random time":
            timer.cancel()
        status = await self._told()
        timer.cancel()
        assert status in (0, -signal.SIGKILL), order
        assert status or point not in POINTS[:1], order
        self.kills += status != 0

    async def _told(self) -> int:
        assert self.process.stdout is not None
        async with asyncio.timeout(_DEADLINE_S):
            return int(await self.process.stdout.readline())


async def test_every_effect_happens_once_or_is_in_the_hands_of_a_person(
    url: str, crashes: int
) -> None:
    command = sys.executable, "-m", "tests.crash.lives"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
    stores = open_stores(url, Retention())
    asked = 0
    async with open_bank() as bank:
        lives = Lives(url, bank, process)
        invoice = 0
        while lives.kills < crashes:
            point = POINTS[invoice // 2 % len(POINTS)]
            await lives.live(invoice, "abcdefgh1", point)
            # What has its receipt is known to the run: only what resumes it asks for the same again.
            receipted = point in POINTS[-2:]
            again = "abcdefgh1" if receipted or invoice % 3 else "abcdefgh2"
            if invoice % 4 == 0:  # killed once more, while it is asked again
                await lives.live(invoice, again, lives.chance.choice(POINTS))
            await lives.live(invoice, again)
            if await _person_settles(stores, bank, invoice):
                asked += 1
                await lives.live(invoice, again)
            entries = await stores.ledger.of_run("default", f"run_{invoice}")
            states = sorted(entry.state for entry in entries if entry.state != "not_done")
            assert (bank.paid(str(invoice)), states) == (1, ["done"]), (invoice, point, states)
            invoice += 1
    process.kill()
    await process.wait()
    for store in stores:
        await store.aclose()
    assert len(bank.payments) == invoice
    told = f"{lives.kills} kills, {invoice} payments, {asked} of them after a person was asked"
    sys.stderr.write(f"{told}\n")


async def _person_settles(stores: SqlStores, bank: Bank, invoice: int) -> bool:
    """What the gateway does not know, a person reads off the bank's log; only without a read-back."""
    entries = await stores.ledger.of_run("default", f"run_{invoice}")
    asked = [entry for entry in entries if entry.state == "unknown"]
    assert all(entry.state != "begun" for entry in entries)
    assert not asked or invoice % 2 == 0, invoice
    assert bank.paid(str(invoice)) == 1 or asked, "an effect was lost"
    for entry in asked:
        outcome: EntryState = "done" if bank.paid(str(invoice)) else "not_done"
        await stores.ledger.close(entry.intent.place, Receipt(outcome, "person"))
    return bool(asked)
