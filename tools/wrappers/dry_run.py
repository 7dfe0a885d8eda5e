"""Calls that are told instead of made.

What it is: what a dry call brings: what would have been sent, by the executor's own account
(`tools.executor.Previewing`), else by name and arguments. The executor is not asked to do anything, and neither
are caches, breakers, rates and slots: a dry call leaves no trace in what real calls share.
What it is not: which calls are dry (`tools.dry_run`), or the journal of effects, which is not told of them.

The text is the same for the same call, so that a run which makes it again and again is seen to go nowhere.
"""

from __future__ import annotations

from typing import Any

from tools.answer import Answer, as_text
from tools.executor import CallContext, Executor, Previewing
from tools.spec import ValidCall
from tools.wrappers.truncate import MAX_RESULT_CHARACTERS, cut

_NOTE = (
    "Not executed: this is a dry run, and nothing was changed or sent. The call is valid and allowed. "
    "Go on as if it had been done, and say in the answer that it was not."
)
_NOTE_HELD = (
    "Not executed: this is a dry run, and nothing was changed or sent. The call is valid; a person would have "
    "to approve it first. Go on as if it had been done, and say in the answer that it was not."
)


class Dry:
    """Asks `inner` only for calls that are to be made; `bare` is the executor itself, which can tell."""

    def __init__(self, inner: Executor, bare: Executor) -> None:
        self._inner = inner
        self._bare = bare

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """The inner value, or a JSON text of what would have been done, with no attempts.

        Raises what the executor raises where it can tell already that the call can't be made.
        """
        if not context.dry.covers(call.tool):
            return await self._inner.execute(call, context)
        text = as_text(
            {
                "dry_run": True,
                "note": _NOTE if call.approval is None else _NOTE_HELD,
                **({} if call.approval is None else {"approval": call.approval}),
                "would_send": self._preview(call),
            }
        )
        if len(text) <= MAX_RESULT_CHARACTERS:
            return Answer(text, 0, dry=True)
        return Answer(cut(text, len(text)), 0, len(text), dry=True)

    def _preview(self, call: ValidCall) -> dict[str, Any]:
        if isinstance(self._bare, Previewing):
            return self._bare.preview(call)
        return {"tool": call.name, "arguments": call.arguments}
