"""Attempts: how long one may take, and when there is another.

`Timeout` bounds one attempt; `Retry` tries again what is safe to try again, within the deadline.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from tenacity import AsyncRetrying, RetryCallState

from tools.answer import Answer
from tools.errors import ExecutionError, ToolPaused, ToolTimeout, ToolUnavailable
from tools.executor import CallContext, Executor
from tools.spec import Effect, ValidCall

_ATTEMPTS = 3
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 20.0


class Timeout:
    """Bounds an attempt by the tool's timeout and the run's deadline, whichever comes first."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """Raises `ToolTimeout`, with `sent=False` when the deadline had passed before the start."""
        now = asyncio.get_running_loop().time()
        until = now + call.tool.timeout_s
        if context.deadline is not None and context.deadline < until:
            until = context.deadline
            if until <= now:
                raise ToolTimeout(
                    f"{call.name} was not started: the time for this run is over", sent=False
                )
        scope = asyncio.timeout_at(until)
        try:
            async with scope:
                return await self._inner.execute(call, context)
        except TimeoutError as error:
            if not scope.expired():
                raise
            raise ToolTimeout(f"{call.name} gave no answer in {until - now:.3g} s") from error


class Retry:
    """Tries again when the tool could not be reached, by effect.

    Reads and idempotent tools always; other calls only when nothing can have reached the tool; none while
    its upstream is paused. Waits grow from 0.2 s with jitter, or are what the tool asked for, and never
    pass the deadline.
    """

    def __init__(
        self,
        inner: Executor,
        *,
        attempts: int = _ATTEMPTS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._attempts = attempts
        self._sleep = sleep
        self._jitter = jitter

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """The first answer, or the last error with `attempts` set."""
        try:
            return await self._inner.execute(call, context)
        except ToolUnavailable as error:  # the rare way: tenacity is set up only for it
            return await self._again(error, call, context)

    async def _again(self, first: ToolUnavailable, call: ValidCall, context: CallContext) -> Any:
        repeatable = call.tool.effect is Effect.READ or call.tool.annotations.idempotent

        def worth_it(state: RetryCallState) -> bool:
            error = state.outcome and state.outcome.exception()
            if not isinstance(error, ToolUnavailable) or isinstance(error, ToolPaused):
                return False
            return repeatable or not error.sent

        def enough(state: RetryCallState) -> bool:
            over = asyncio.get_running_loop().time() + state.upcoming_sleep
            late = context.deadline is not None and over >= context.deadline
            return (
                state.attempt_number >= self._attempts
                or late
                or state.upcoming_sleep > _LONGEST_WAIT_S
            )

        retrying = AsyncRetrying(
            stop=enough, wait=self._wait, retry=worth_it, sleep=self._pause, reraise=True
        )
        tried = 1
        try:
            async for attempt in retrying:
                with attempt:
                    tried = attempt.retry_state.attempt_number
                    if tried == 1:
                        raise first
                    value = await self._inner.execute(call, context)
                    return Answer(Answer.of(value).value, attempts=tried)
        except ExecutionError as error:
            error.attempts = tried
            raise
        raise AssertionError("tenacity ends in a value or an error")

    async def _pause(self, seconds: float) -> None:
        await self._sleep(seconds)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome and state.outcome.exception()
        if isinstance(error, ToolUnavailable) and error.retry_after_s is not None:
            return error.retry_after_s
        return _FIRST_WAIT_S * 2 ** (state.attempt_number - 1) * (1 + self._jitter())
