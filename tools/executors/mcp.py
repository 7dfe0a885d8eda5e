"""Tools of MCP servers.

What it is: a validated call becomes `tools/call` in the session of the caller's tenant; a call that is no read
carries its idempotency key in `_meta`. A session that the server has forgotten is opened anew, once: the
server did nothing with the call.
What it is not: the protocol (`tools.mcp.client`), whose session it is (`tools.mcp.sessions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tools.answer import Answer, as_text
from tools.blotting import Blotter
from tools.errors import ExecutionError
from tools.executor import CallContext
from tools.files import FileContent, Mixed
from tools.mcp.sessions import SessionExpired, Sessions
from tools.spec import Effect, JSONObject, ValidCall

_SLACK_S = 1.0
"""The wrappers' timeout comes first; the session's own bound is for executors without wrappers."""


class McpExecutor:
    """Calls the tool that its server knows as `remote`. `secrets` are blotted out of answers."""

    def __init__(self, sessions: Sessions, remote: str, secrets: Sequence[str] = ()) -> None:
        self._sessions = sessions
        self._remote = remote
        self._blot = Blotter(secrets)

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """Data or text."""
        try:
            try:
                value = await self._once(call, context)
            except SessionExpired:
                value = await self._once(call, context)
        except ExecutionError as error:
            error.args = (self._blot.text(str(error)),)
            raise
        if isinstance(value, Mixed):
            value = await self._without(value).told(context.keep)
        return Answer(self._shown(value))

    def preview(self, call: ValidCall) -> JSONObject:
        """The call as the server would read it."""
        return {"method": "tools/call", "name": self._remote, "arguments": call.arguments}

    async def _once(self, call: ValidCall, context: CallContext) -> Any:
        is_read = call.tool.effect is Effect.READ
        key = None if is_read else context.idempotency_key or None
        timeout_s = call.tool.timeout_s
        async with self._sessions.borrow(context.tenant, timeout_s / 2) as session:
            try:
                return await session.call(
                    self._remote, call.arguments, key=key, timeout_s=timeout_s + _SLACK_S
                )
            except SessionExpired:
                self._sessions.retire(context.tenant, session)
                raise

    def _without(self, value: Mixed) -> Mixed:
        """Its files without secrets: they are kept. Its texts are looked at afterwards."""
        return Mixed(
            tuple(
                replace(part, data=self._blot.raw(part.data))
                if isinstance(part, FileContent)
                else part
                for part in value.parts
            )
        )

    def _shown(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._blot.text(value)
        text = as_text(value)
        shown = self._blot.text(text)
        return value if shown == text else shown
