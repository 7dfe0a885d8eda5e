"""Driving one run for one HTTP request: recorded, stoppable, over when the client leaves.

Every surface that runs requests does it through `driven`, so that a run is recorded, findable and
cancellable whichever wire format asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager

from starlette.types import Receive

from gateway.agent.events import RunEvent
from gateway.agent.run import Outcome, RunRequest
from gateway.api.asgi import stopping_when_gone
from gateway.api.ending import ending
from gateway.resuming import suspending
from gateway.services import Services
from gateway.storage.durable import LeaseLost
from gateway.storage.errors import StorageUnavailable
from gateway.storage.runs import RunLog

GOES_ON = (LeaseLost, StorageUnavailable)
"""What ends a durable run only here: it goes on in another process, or later."""


@asynccontextmanager
async def driven(
    services: Services, run: RunRequest, receive: Receive, *, again: bool = False
) -> AsyncGenerator[tuple[RunLog, AsyncGenerator[RunEvent]]]:
    """The run's log and its events; the body appends each event that it reads to the log.

    However the body ends, the loop's generator is closed and the log is finished. Raises what the
    loop raises, and `Stopped` when the client left or the run was cancelled. With `again`, the run is one
    that another process did not end.
    """
    log = await services.store.restart(run) if again else services.store.begin(run)
    with _left_to_others(services, run), ending(log, "shutdown"):
        async with stopping_when_gone(receive) as stop:
            services.live.add(run.tenant, run.run_id, stop)
            try:
                async with aclosing(suspending(services, services.loop.run(run))) as events:
                    yield log, events
            finally:
                services.live.remove(run.tenant, run.run_id)


@contextmanager
def _left_to_others(services: Services, run: RunRequest) -> Generator[None]:
    """Nothing is recorded here of a durable run that goes on."""
    try:
        yield
    except (asyncio.CancelledError, *GOES_ON):
        if run.durable:
            services.store.abandon(run.tenant, run.run_id)
        raise


def settle(services: Services, run: RunRequest, outcome: Outcome) -> None:
    """Keep what the app did not see of a run that waits for its results."""
    if outcome.hidden:
        services.continuations.remember(
            run.tenant, run.messages, outcome.client_calls, outcome.hidden
        )
