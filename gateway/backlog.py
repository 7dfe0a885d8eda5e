"""What waits in the stores, of all tenants and gateways: for a place, for its time, or for a person."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from gateway.services import Services
from gateway.storage.errors import StorageUnavailable
from gateway.storage.waiting import Waiting

log = logging.getLogger(__name__)

_PATIENCE_S = 2.0
"""Whoever asks for metrics waits no longer; Prometheus itself gives up after ten seconds."""


async def backlog(services: Services) -> Mapping[str, Waiting | None]:
    """By what it is of; None for all of it where the stores do not answer now, which is logged.

    `background`: responses that no living process does. `schedules`: those whose time has passed. `approvals`: runs
    that a person can still decide about. `effects`: calls that may have changed something, which nobody knows.
    """
    durable = services.durable
    asks: Mapping[str, Callable[[], Awaitable[Waiting]]] = {
        "background": _nothing if durable is None else durable.waiting,
        "schedules": partial(services.schedules.waiting, services.clock()),
        "approvals": services.suspensions.waiting,
        "effects": services.writes.ledger.waiting,
    }
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return {kind: await ask() for kind, ask in asks.items()}
    except (StorageUnavailable, TimeoutError) as error:
        log.warning("what waits can't be told now: %s", str(error) or "the stores are too slow")
        return dict.fromkeys(asks)


async def _nothing() -> Waiting:
    return Waiting()
