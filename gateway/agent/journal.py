"""The journal of a durable run: what models decided and what calls brought, written down as it happens.

A process that takes a run over does it again from the beginning: what the journal has is not asked or
called again, so the run comes to where it was with the same calls, by the same ids. A write that was
under way is not in the journal; by its id the ledger knows it (`gateway.agent.writes`). A step is decided once:
a second decision, whoever comes to it, would do the same under other ids.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from gateway.agent.ask import Heard
from gateway.agent.run import RunRequest
from gateway.storage.durable import DurableRuns
from routing.backend import TextDelta
from routing.errors import (
    BackendError,
    BackendOverloaded,
    BackendProtocolError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContextTooLong,
)
from tools.spec import ToolResult, ValidCall

_ERRORS: dict[str, type[BackendError]] = {
    error.__name__: error
    for error in (
        BackendError,
        BackendOverloaded,
        BackendProtocolError,
        BackendRejected,
        BackendTimeout,
        BackendUnavailable,
        ContextTooLong,
    )
}


class Journal:
    """One run's. Raises what `DurableRuns.record` raises: then the run has to stop where it is."""

    def __init__(
        self,
        runs: DurableRuns,
        request: RunRequest,
        steps: Mapping[tuple[int, str], dict[str, Any]],
    ) -> None:
        self._runs = runs
        self._request = request
        self._steps = dict(steps)

    @classmethod
    async def read(cls, runs: DurableRuns, request: RunRequest) -> Journal:
        """The journal of a run, with what an earlier process wrote into it."""
        return cls(runs, request, await runs.steps(request.tenant, request.run_id))

    def knows(self, step: int) -> bool:
        """Whether a model was asked in this step before."""
        return (step, "turn") in self._steps

    def called(self, name: str) -> bool:
        """Whether a model called this tool before."""
        turns = [told for (_, kind), told in self._steps.items() if kind == "turn"]
        heard = [_heard(told) for told in turns if "heard" in told]
        return any(call.function.name == name for each in heard for call in each.completion.calls)

    async def hear(
        self, step: int, model: str, said: AsyncGenerator[TextDelta | Heard, None]
    ) -> AsyncGenerator[TextDelta | Heard, None]:
        """What `model` says in a step, written down; what was heard in it before is heard again instead."""
        async with aclosing(said):
            if (known := self._steps.get((step, "turn"))) is not None:
                heard = _heard(known)
                if heard.completion.text:
                    yield TextDelta(heard.completion.text)
                yield heard
                return
            try:
                async for item in said:
                    if isinstance(item, Heard):
                        told = {"heard": _as_heard().dump_python(item, mode="json")}
                        await self._record(step, "turn", told, once=True)
                        yield item
                        return
                    yield item
                raise BackendProtocolError("The model said nothing.", backend=model)
            except BackendError as error:
                why = {
                    "kind": type(error).__name__,
                    "message": str(error),
                    "backend": error.backend,
                }
                await self._record(step, "turn", {"error": why}, once=True)
                raise

    async def observe(
        self,
        step: int,
        calls: Sequence[ValidCall],
        run: Callable[[Sequence[ValidCall]], Awaitable[Sequence[ToolResult]]],
    ) -> list[ToolResult]:
        """Run those of a step's calls that have brought nothing yet; one result a call, in order.

        Calls that people decided about come one by one, and stand in the journal together.
        """
        known = {
            call_id: _as_result().validate_python(result)
            for call_id, result in self._steps.get((step, "results"), {}).items()
        }
        if missing := [call for call in calls if call.id not in known]:
            known |= {result.call_id: result for result in await run(missing)}
            kept = {
                call_id: _as_result().dump_python(each, mode="json")
                for call_id, each in known.items()
            }
            await self._record(step, "results", kept)
        return [known[call.id] for call in calls]

    async def _record(
        self, step: int, kind: str, value: Mapping[str, Any], *, once: bool = False
    ) -> None:
        tenant, run_id = self._request.tenant, self._request.run_id
        await self._runs.record(tenant, run_id, (step, kind), value, once=once)
        self._steps[step, kind] = dict(value)


def _heard(known: dict[str, Any]) -> Heard:
    """What was heard. Raises the `BackendError` that was heard instead."""
    if (error := known.get("error")) is not None:
        raise _ERRORS[error["kind"]](error["message"], backend=error["backend"])
    return _as_heard().validate_python(known["heard"])


@cache
def _as_heard() -> TypeAdapter[Heard]:
    return TypeAdapter(Heard)


@cache
def _as_result() -> TypeAdapter[ToolResult]:
    return TypeAdapter(ToolResult)
