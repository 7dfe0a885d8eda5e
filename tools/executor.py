"""The seam between the registry and whatever runs a tool: one method.

What it is: given a call that has been validated and allowed, run it and return its value.
What it is not: validation (before), policy (above), retries, timeouts and truncation (wrappers), the
form in which a model reads the result (the registry).

An executor returns JSON-serialisable data or text. It raises `tools.errors.ToolFailed` when the tool
ran and said no, `ToolUnavailable` when it could not be reached, and nothing else on purpose: foreign
exceptions are translated inside the executor that met them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from tools.dry_run import REAL, DryRun
from tools.files import KeepFile
from tools.spec import JSONObject, ValidCall

UNHEARD_S = 10.0
"""For how many seconds an HTTP connection waits for the other side to say that it got what was sent. Nothing is
sent again after that, even where the gateway has ended meanwhile; systems go on for a quarter of an hour."""


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class CallContext:
    """What a tool may know about the call it serves.

    `deadline` is a reading of the event loop's clock (`loop.time()`), in seconds, or None.
    `idempotency_key` is stable over retries and resumption of the same call of the same run. `step` is
    the run's, counted from 1; 0 outside of a run. `keeps` is how long a read's result may be, in
    characters, for a caller that keeps it and shows less of it; None: as long as a model is shown. `keep`
    takes what is no text; None: it is let go. `dry` says which calls are not to be made.
    """

    run_id: str = ""
    tenant: str = "default"
    idempotency_key: str = ""
    deadline: float | None = None
    step: int = 0
    keeps: int | None = None
    keep: KeepFile | None = None
    dry: DryRun = REAL

    def of_call(self, call: ValidCall) -> CallContext:
        """A turn's context for one of its calls."""
        return CallContext(
            self.run_id,
            self.tenant,
            f"{self.idempotency_key}:{call.id}",
            self.deadline,
            self.step,
            self.keeps,
            self.keep,
            self.dry,
        )


class Executor(Protocol):
    """Runs one tool. In process twin: `tools.executors.function.FunctionExecutor`."""

    async def execute(self, call: ValidCall, context: CallContext) -> Any: ...


@runtime_checkable
class Previewing(Protocol):
    """An executor that can tell what it would send, without sending it; secrets are blanked.

    Raises `tools.errors.ExecutionError` for a call that it can tell can't be made.
    """

    def preview(self, call: ValidCall) -> JSONObject: ...
