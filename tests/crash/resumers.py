"""Workers of a gateway that go on with what people have decided: `python -m tests.crash.resumers URL BANK`.

Each line of the input has one forked, whose process id is told. It goes on with decided runs, and with those that
dead workers left, until it is killed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import sys
from typing import Any

from gateway.agent.loop import AgentLoop
from gateway.agent.run import Limits
from gateway.agent.settling import settling
from gateway.agent.writes import Writes
from gateway.resuming import Resuming
from gateway.services import Services
from gateway.storage.retention import Retention
from gateway.storage.sql.migrate import prepare
from gateway.storage.sql.stores import open_stores
from policies.decision import ALLOW, Decision, RequireApproval
from policies.policy import Policy, Subject
from routing.router import Member, Router
from tests.crash.lives import registry_of
from tests.crash.workers import Payer
from tests.gateway.test_approvals import over
from tools.executors.http_session import HttpSessions
from tools.spec import ValidCall

log = logging.getLogger(__name__)


class Cautious(Policy):
    """A person decides about the first invoice of each run (`…a`)."""

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        held = str(call.arguments.get("invoice", "")).endswith("a")
        return RequireApproval("it is the first one", "first") if held else ALLOW


def services_of(url: str, bank: str) -> Services:
    """A gateway's, as far as runs need them."""
    stores = open_stores(url, Retention())
    http, model = HttpSessions(), Payer()
    registry = registry_of(bank, read_back=True, sessions=http)
    writes = Writes(stores.ledger, registry.snapshot)
    router = Router(Member(model))
    own: dict[str, Any] = {**over(stores), "writes": writes, "http": http}
    loop = AgentLoop(router, registry, Cautious(), writes=writes, durable=stores.durable)
    limits = Limits(deadline_s=600.0)
    return Services(loop, registry, {"intermediary": model}, limits=limits, **own)


async def _work(url: str, bank: str) -> None:
    await asyncio.to_thread(prepare, url)  # sees who is dead
    services = services_of(url, bank)
    async with settling(services.writes, 1.0), Resuming(services):
        await asyncio.Event().wait()


def main(url: str, bank: str) -> None:
    """Fork one for each line; who has died is nobody's child any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            random.seed()
            try:
                asyncio.run(_work(url, bank))
            except Exception:
                log.exception("a worker has ended by itself")
            finally:
                os._exit(1)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
