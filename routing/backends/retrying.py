"""Asking again, and only while nothing has been answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from routing.errors import BackendUnavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retries:
    """`attempts` in all; never waits longer than `max_wait_s` for the next, else gives up."""

    attempts: int = 3
    max_wait_s: float = 10.0


class NotBegunError(Exception):
    """Carries an error that may be retried, as nothing has been answered yet.

    `hung_up` when the server closed the connection, as it does with those that it has kept for long.
    """

    def __init__(self, error: BackendUnavailable, *, hung_up: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.hung_up = hung_up


_BACKOFF = wait_random_exponential(multiplier=0.1, max=2.0)


async def retried(
    attempt: Callable[[], Awaitable[T]], retries: Retries, deadline: float | None
) -> T:
    """`attempt` until it succeeds, fails with anything but `NotBegunError`, or time is up.

    Waits as long as the server asked (`retry_after_s`), else a random, growing time; not at all the
    first time that it hung up, for a kept connection's end says nothing of the server. Raises the error that `NotBegunError` carried last. `deadline` is a reading of the event loop's clock.
    """
    try:
        return await attempt()
    except NotBegunError as error:
        failed = error
    return await _again(failed, attempt, retries, deadline)


async def _again(
    failed: NotBegunError,
    attempt: Callable[[], Awaitable[T]],
    retries: Retries,
    deadline: float | None,
) -> T:
    """The attempts behind the first, which `failed`: tenacity's set-up would be dear for each turn."""
    clock = asyncio.get_running_loop().time
    first: NotBegunError | None = failed

    def wait(state: RetryCallState) -> float:
        failed = state.outcome.exception() if state.outcome else None
        if not isinstance(failed, NotBegunError):
            return _BACKOFF(state)
        if failed.hung_up and state.attempt_number == 1:
            return 0.0
        told = failed.error.retry_after_s
        return told if told is not None else _BACKOFF(state)

    def stop(state: RetryCallState) -> bool:
        pause = state.upcoming_sleep
        too_late = deadline is not None and clock() + pause >= deadline
        return state.attempt_number >= retries.attempts or too_late or pause > retries.max_wait_s

    async def once() -> T:
        nonlocal first
        if first is not None:
            error, first = first, None
            raise error
        return await attempt()

    attempts = AsyncRetrying(
        retry=retry_if_exception_type(NotBegunError), wait=wait, stop=stop, reraise=True
    )
    try:
        return await attempts(once)
    except NotBegunError as last:
        raise last.error from last.__cause__
