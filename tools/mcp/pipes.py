"""A transport whose end is noticed at once, not at the next call.

What it is: the SDK's transport with a look at what is read; when that ends, the server is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self


class Watched:
    """Wraps a transport; `on_end` names what is called when its server says no more."""

    def __init__(self, inner: AbstractAsyncContextManager[tuple[Any, Any]]) -> None:
        self._inner = inner
        self._reading: _Reading | None = None

    def on_end(self, tell: Callable[[], None]) -> None:
        """Call `tell` once the server's stream has ended, at once if it has."""
        if self._reading is not None:
            self._reading.on_end(tell)

    async def __aenter__(self) -> tuple[Any, Any]:
        reading, writing = await self._inner.__aenter__()
        self._reading = _Reading(reading)
        return self._reading, writing

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return await self._inner.__aexit__(kind, error, trace)


class _Reading:
    """A stream that remembers its end. Everything else is the inner one's."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._ended = False
        self._tell: Callable[[], None] | None = None

    def on_end(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        if self._ended:
            tell()

    def _end(self) -> None:
        self._ended = True
        if self._tell is not None:
            self._tell()

    @property
    def last_context(self) -> Any:
        return getattr(self._inner, "last_context", None)

    async def receive(self) -> Any:
        return await self._inner.receive()

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._inner.__anext__()
        except BaseException:  # the end, and whatever else ends reading
            self._end()
            raise

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        self._end()
        return await self._inner.__aexit__(kind, error, trace)
