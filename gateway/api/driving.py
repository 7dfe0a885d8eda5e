"""Driving one run for one HTTP request: recorded, stoppable, over when the client leaves.

Every surface that runs requests does it through `drive`, so that a run is recorded, findable and
cancellable whichever wire format asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from starlette.types import Receive

from gateway.agent.events import RunEvent, RunFinished
from gateway.agent.run import Outcome, RunRequest
from gateway.api.asgi import StopWhenGone
from gateway.api.ending import record_end
from gateway.resuming import suspend
from gateway.services import Services
from gateway.storage.durable import LeaseLost
from gateway.storage.errors import StorageUnavailable
from gateway.storage.runs import RunLog

Hear = Callable[[RunEvent], Awaitable[None]]
GOES_ON = (LeaseLost, StorageUnavailable)
"""What ends a durable run only here: it goes on in another process, or later."""


async def drive(
    services: Services, log: RunLog, receive: Receive, hear: Hear | None = None
) -> Outcome:
    """Have the run made whose log was begun, and give its outcome.

    `hear` is told each event when it is in the log; whoever waits for the end needs none. However it
    ends, the loop's generator is closed and the log is finished. Raises what the loop and `hear` raise, and
    `Stopped` when the client left or the run was cancelled.
    """
    run, outcome = log.request, None
    began = asyncio.get_running_loop().time()
    try:
        with StopWhenGone(receive) as stop:
            services.live.add(run.tenant, run.run_id, stop)
            try:
                async with aclosing(services.loop.run(run)) as events:
                    async for event in events:
                        if isinstance(event, RunFinished):
                            outcome = event.outcome
                            if outcome.suspended is not None:
                                await suspend(services, outcome.suspended, began)
                        log.append(event)
                        if hear is not None:
                            await hear(event)
                if outcome is None:
                    raise RuntimeError("the loop ended without RunFinished")
                return outcome
            finally:
                services.live.remove(run.tenant, run.run_id)
    except BaseException as error:
        record_end(log, error, "shutdown")
        if run.durable and isinstance(error, (asyncio.CancelledError, *GOES_ON)):
            # Nothing is recorded here of what goes on.
            services.store.abandon(run.tenant, run.run_id)
        raise


def settle(services: Services, run: RunRequest, outcome: Outcome) -> None:
    """Keep what the app did not see of a run that waits for its results."""
    if outcome.hidden:
        services.continuations.remember(
            run.tenant, run.messages, outcome.client_calls, outcome.hidden
        )
