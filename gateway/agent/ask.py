"""Asking a model for one decision, with the run's deadline and nothing provisional getting through.

What of its text goes out is the outlet's to say (`gateway.agent.outlet`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from mistral_common.protocol.instruct.tool_calls import ToolCall

from gateway.agent.outlet import Outlet
from gateway.agent.patience import Patience
from routing.backend import CallClosed, Completion, ModelBackend, TextDelta, Turn
from routing.errors import BackendTimeout, EndlessRepetition

log = logging.getLogger("gateway.agent")

_ENDLESS = "The model said one thing over and over, and was stopped."
_TOO_LATE = "No answer within the run's deadline."
_GRACE_S = 0.02
"""For a stream to be closed where the deadline is over."""


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Heard:
    """What a model said in the end. `completion.text` is exactly the text that was let through.

    Times in seconds; `first_token_s` is None when no text was streamed. `unknown` tells of calls, by id,
    where in them a placeholder stands that nobody made (`gateway.agent.boundary`).
    """

    completion: Completion
    elapsed_s: float
    first_token_s: float | None = None
    notes: tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict[str, str])


async def ask(
    backend: ModelBackend, turn: Turn, closed: Callable[[ToolCall], None] | None = None
) -> AsyncGenerator[TextDelta | Heard, None]:
    """Yield the visible text and at last one `Heard`. Raises `routing.errors.BackendError`.

    `closed` is told of each call whose arguments are whole, for a turn that wants to know (`Turn.tells_closed`).

    A stream that ends without a completion ends here without a `Heard`.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    first: float | None = None
    outlet: Outlet | None = None
    shown: list[str] = []
    completion: Completion | None = None
    stream = backend.stream(turn)
    with Patience(turn.deadline) as patience:  # whatever the backend does
        try:
            while completion is None:
                item = await patience.of(anext(stream))
                if isinstance(item, Completion):
                    completion = item
                elif isinstance(item, CallClosed):
                    if closed is not None:
                        closed(item.call)
                else:
                    outlet = outlet or Outlet(turn)
                    if visible := outlet.feed(item.text):
                        first = first or clock() - began
                        shown.append(visible)
                        yield TextDelta(visible)
                    _require_progress(outlet, backend)
        except StopAsyncIteration:
            pass
        except TimeoutError:
            raise BackendTimeout(_TOO_LATE, backend=backend.name) from None
        finally:
            if isinstance(stream, AsyncGenerator):
                await _let_go(cast("AsyncGenerator[object]", stream), patience, backend.name)
    if completion is None:
        return
    notes = [f"dropped text behind the calls: {completion.tail[:200]!r}"] if completion.tail else []
    calls: tuple[ToolCall, ...] = ()
    if outlet is not None:
        rest, calls, told = outlet.finish(completion)
        notes += told
        if rest:
            shown.append(rest)
            yield TextDelta(rest)
        _require_progress(outlet, backend)
    text = "".join(shown)
    if calls or text != completion.text:
        completion = replace(completion, text=text, calls=(*completion.calls, *calls))
    yield Heard(completion, clock() - began, first, tuple(notes))


def _require_progress(outlet: Outlet, backend: ModelBackend) -> None:
    if outlet.endless:
        raise EndlessRepetition(_ENDLESS, backend=backend.name)


async def _let_go(stream: AsyncGenerator[object], patience: Patience, name: str) -> None:
    """Close the stream, waiting for it no longer than for an answer, and a moment where that is over."""
    try:
        patience.grant(_GRACE_S)
        await patience.of(stream.aclose())
    except TimeoutError:
        log.warning("the stream of %s could not be closed in time", name)
