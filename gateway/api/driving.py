"""Driving one run for one HTTP request: recorded, stoppable, over when the client leaves.

Every surface that runs requests does it through `driven`, so that a run is recorded, findable and
cancellable whichever wire format asked for it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from starlette.types import Receive

from gateway.agent.events import RunEvent
from gateway.agent.run import Outcome, RunRequest
from gateway.api.asgi import stopping_when_gone
from gateway.api.ending import ending
from gateway.resuming import suspending
from gateway.services import Services
from gateway.storage.runs import RunLog


@asynccontextmanager
async def driven(
    services: Services, run: RunRequest, receive: Receive
) -> AsyncGenerator[tuple[RunLog, AsyncGenerator[RunEvent]]]:
    """The run's log and its events; the body appends each event that it reads to the log.

    However the body ends, the loop's generator is closed and the log is finished. Raises what the
    loop raises, and `Stopped` when the client left or the run was cancelled.
    """
    log = services.store.begin(run)
    with ending(log, "shutdown"):
        async with stopping_when_gone(receive) as stop:
            services.live.add(run.tenant, run.run_id, stop)
            try:
                async with aclosing(suspending(services, services.loop.run(run))) as events:
                    yield log, events
            finally:
                services.live.remove(run.tenant, run.run_id)


def settle(services: Services, run: RunRequest, outcome: Outcome) -> None:
    """Keep what the app did not see of a run that waits for its results."""
    if outcome.hidden:
        services.continuations.remember(
            run.tenant, run.messages, outcome.client_calls, outcome.hidden
        )
