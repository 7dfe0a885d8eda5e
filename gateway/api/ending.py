"""How a recorded run ends when it does not end by itself."""

from __future__ import annotations

import asyncio

from gateway.agent.loop import RequestDenied
from gateway.live import Stopped
from gateway.storage.runs import RunLog


def record_end(log: RunLog, error: BaseException, when_cancelled: str) -> None:
    """Write what ended a run; whoever waits for it is to be raised the same.

    `when_cancelled` says who cancelled, if not somebody through `Stopped`.
    """
    match error:
        case Stopped():
            log.finish("cancelled", f"stopped: {error.cause}")
        case RequestDenied():
            log.finish("denied", error.reason)
        case asyncio.CancelledError():
            log.finish("cancelled", f"stopped: {when_cancelled}")
        case Exception():
            log.finish("failed", f"{type(error).__name__}: {error}")
        case _:
            pass  # the process ends
