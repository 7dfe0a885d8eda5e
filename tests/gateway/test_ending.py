"""A run that something ends: what is recorded of it."""

from __future__ import annotations

import asyncio

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.loop import RequestDenied
from gateway.agent.run import RunRequest
from gateway.api.ending import record_end
from gateway.live import Stopped
from gateway.storage.memory import MemoryRunStore


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (Stopped("cancelled"), "cancelled", "stopped: cancelled"),
        (RequestDenied("not at night", "quiet_hours"), "denied", "not at night"),
        (asyncio.CancelledError(), "cancelled", "stopped: shutdown"),
        (ValueError("odd"), "failed", "ValueError: odd"),
    ],
)
async def test_what_ended_it_is_recorded(error: BaseException, status: str, told: str) -> None:
    log = MemoryRunStore().begin(RunRequest(messages=(UserMessage(content="hello"),)))
    record_end(log, error, "shutdown")
    assert (log.status, log.error) == (status, told)
