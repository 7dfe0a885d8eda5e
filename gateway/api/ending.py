"""How a recorded run ends when it does not end by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from gateway.agent.loop import RequestDenied
from gateway.live import Stopped
from gateway.storage.runs import RunLog


@contextmanager
def ending(log: RunLog, when_cancelled: str) -> Generator[None]:
    """Write why the block was left with an exception, which goes on to whoever waits.

    `when_cancelled` says who cancelled, if not somebody through `Stopped`.
    """
    try:
        yield
    except Stopped as stopped:
        log.finish("cancelled", f"stopped: {stopped.cause}")
        raise
    except RequestDenied as denied:
        log.finish("denied", denied.reason)
        raise
    except asyncio.CancelledError:
        log.finish("cancelled", f"stopped: {when_cancelled}")
        raise
    except Exception as error:
        log.finish("failed", f"{type(error).__name__}: {error}")
        raise
