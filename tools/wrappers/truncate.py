"""A bound on what a model is given to read of one result."""

from __future__ import annotations

from typing import Any

from tools.answer import Answer, as_text
from tools.executor import CallContext, Executor
from tools.spec import Effect, ValidCall

MAX_RESULT_CHARACTERS = 20_000


class Truncate:
    """Cuts a result that is longer than `limit` characters to its head, and says so.

    A read may be as long as the caller says (`CallContext.keeps`). What a write brought is written down by
    whoever asked, and stays short.
    """

    def __init__(self, inner: Executor, limit: int = MAX_RESULT_CHARACTERS) -> None:
        self._inner = inner
        self._limit = limit

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """The value as it is when it is short, else text with a notice at its end."""
        answer = Answer.of(await self._inner.execute(call, context))
        text = as_text(answer.value)
        limit = self._limit
        if context.keeps is not None and call.tool.effect is Effect.READ:
            limit = context.keeps
        if len(text) <= limit:
            return Answer(text, answer.attempts, answer.truncated_from)
        total = answer.truncated_from or len(text)
        return Answer(cut(text, total, limit), answer.attempts, total)


def cut(text: str, total: int, limit: int = MAX_RESULT_CHARACTERS) -> str:
    """The head of a text, and a notice that there was more."""
    notice = f"\n[cut: the first {limit} of {total} characters; ask for less or for a part]"
    return text[:limit] + notice
