"""One session with one MCP server, by the official SDK, over its pipes or streamable HTTP.

What it is: the only module that knows the SDK. It opens a session of the newest protocol that both sides
know, lists, calls, tells when the list may have changed and when the server is gone, and translates the
SDK's exceptions: `ToolFailed` is the server's own no, `ToolUnavailable` says whether anything can have
arrived, `SessionExpired` that the server has forgotten the session.
What it is not: who uses the session and for how long (`tools.mcp.sessions`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import (
    CONNECTION_CLOSED,
    HEADER_MISMATCH,
    REQUEST_TIMEOUT,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    Implementation,
    InputRequiredResult,
    Tool,
    ToolListChangedNotification,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import TypeAdapter, ValidationError

from tools.blotting import Blotter
from tools.errors import ToolFailed, ToolTimeout, ToolUnavailable
from tools.mcp.definition import Definition
from tools.mcp.instead import Translating, made_here
from tools.mcp.pipes import Watched
from tools.mcp.quiet import log_no_words
from tools.mcp.result import value_of
from tools.mcp.sessions import SessionExpired
from tools.mcp.source import Source
from tools.mcp.stderr import standard_error
from tools.spec import JSONObject

IDEMPOTENCY_KEY = "agentic-gateway/idempotency-key"
"""The name in `_meta` under which a call that is no read carries its key."""
MAX_TOOLS = 1_000
_MAX_PAGES = 100
_RESULT: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(
    CallToolResult | InputRequiredResult
)
_log = logging.getLogger(__name__)


class Session:
    """An open session, for any number of calls at once.

    `over` is set when nothing can be asked any more.
    """

    def __init__(self, source: Source, client: Client, changed: asyncio.Event) -> None:
        self._source = source
        self._client = client
        self._changed = changed
        self._blot = Blotter(source.secrets)
        self.over = asyncio.Event()

    async def definitions(self) -> list[Definition]:
        """All tools that the server lists, at most `MAX_TOOLS`. Raises `ToolUnavailable`."""
        found: list[Definition] = []
        cursor: str | None = None
        for _ in range(_MAX_PAGES):
            try:
                page = await self._client.list_tools(cursor=cursor, cache_mode="bypass")
            except (MCPError, ValidationError) as error:
                raise self._told(error) from error
            found += [self._defined(tool) for tool in page.tools]
            cursor = page.next_cursor
            if not cursor or len(found) >= MAX_TOOLS:
                break
        return found[:MAX_TOOLS]

    async def call(
        self, name: str, arguments: JSONObject, *, key: str | None, timeout_s: float
    ) -> Any:
        """What the tool returned: data where it is structured, else text."""
        meta: Any = {IDEMPOTENCY_KEY: key} if key else None
        params = CallToolRequestParams(name=name, arguments=arguments, _meta=meta)
        request = CallToolRequest(params=params)
        session = self._client.session
        try:
            try:
                # Not `call_tool`, which runs the server's output schema with patterns that nobody checked.
                answer = await session.send_request(
                    request, _RESULT, request_read_timeout_seconds=timeout_s
                )
            except MCPError as error:
                if error.code != HEADER_MISMATCH:
                    raise
                await (
                    self.definitions()
                )  # the spec's way: headers follow the schema as it is listed now
                answer = await session.send_request(
                    request, _RESULT, request_read_timeout_seconds=timeout_s
                )
        except (MCPError, ValidationError) as error:
            raise self._told(error) from error
        if isinstance(answer, InputRequiredResult):
            raise ToolFailed(f"{name} asks for something that only a person could answer")
        return value_of(answer)

    async def answers(self, within_s: float) -> bool:
        """Whether the server says anything at all, be it an error."""
        try:
            async with asyncio.timeout(within_s):
                await self._client.list_tools(cache_mode="bypass")
        except (TimeoutError, ValidationError):
            return False
        except MCPError as error:
            return error.code not in (CONNECTION_CLOSED, REQUEST_TIMEOUT) and not made_here(
                error.data
            )
        return True

    async def listen(self) -> None:
        """Be told of changes, in the protocol that has to be asked for it."""
        if self._client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            return
        try:
            async with self._client.listen(tools_list_changed=True) as events:
                async for _ in events:
                    self._changed.set()
        except (MCPError, TimeoutError, RuntimeError) as error:  # it has none, or it is lost
            told = self._blot.text(str(error))
            _log.info("%s tells no changes: %s", self._source.name, told)

    def _defined(self, tool: Tool) -> Definition:
        """Definitions go into prompts, pins and lists, and a server may write into them what it was given."""
        given = _definition(tool)
        return Definition.from_data(self._blot.data(given.as_data()))

    def _told(
        self, error: MCPError | ValidationError
    ) -> ToolFailed | ToolTimeout | ToolUnavailable:
        name = self._source.name
        if isinstance(error, ValidationError):
            return ToolFailed(f"{name} answered, but not in MCP's form")
        if (made := made_here(error.data)) is not None:
            if made["kind"] == "expired":
                return SessionExpired(name)
            return ToolUnavailable(f"{name}: {self._blot.text(error.message)}", sent=made["sent"])
        if error.code == CONNECTION_CLOSED:
            return ToolUnavailable(f"{name} broke the connection")
        if error.code == REQUEST_TIMEOUT:
            return ToolTimeout(f"{name} gave no answer in time")
        return ToolFailed(self._blot.text(error.message)[:1_000])


@asynccontextmanager
async def open_session(
    source: Source, changed: asyncio.Event, *, mode: str = "auto"
) -> AsyncGenerator[Session]:
    """A session, closed at the end with the server's process. Raises `ToolUnavailable` with `sent=False`.

    `changed` is set when the server says that its tools may be others now. `mode` is the SDK's: `auto` asks for the newest protocol first, `legacy` begins with a handshake.
    """
    made: list[Session] = []
    log_no_words()

    async def heed(message: Any) -> None:
        if isinstance(message, ToolListChangedNotification):
            changed.set()

    try:
        async with _transport(source) as (transport, watched):
            client = Client(
                transport,
                mode=mode,
                read_timeout_seconds=source.connect_s,
                message_handler=heed,
                client_info=Implementation(name="agentic-gateway", version="0"),
                cache=None,
            )
            async with asyncio.timeout(source.connect_s) as opening, client:
                opening.reschedule(None)
                session = Session(source, client, changed)
                made.append(session)
                watched.on_end(session.over.set)
                yield session
    except ToolUnavailable:
        raise
    except Exception as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # the SDK may end in another error than this
            raise asyncio.CancelledError from error
        told = Blotter(source.secrets).text(_reason(error))[:300]
        raise ToolUnavailable(f"{source.name}: {told}", sent=False) from error
    finally:
        for session in made:
            session.over.set()


@asynccontextmanager
async def _transport(source: Source) -> AsyncGenerator[tuple[Any, Watched]]:
    if source.command:
        command, *arguments = source.command
        parameters = StdioServerParameters(
            command=command, args=arguments, env=dict(source.environment)
        )
        with standard_error(source) as errors:
            watched = Watched(stdio_client(parameters, errors))
            yield watched, watched
        return
    async with httpx2.AsyncClient(
        headers=dict(source.headers),
        timeout=httpx2.Timeout(30.0, read=None),  # calls have a bound of their own
        transport=Translating(httpx2.AsyncHTTPTransport()),
        trust_env=False,
    ) as http:
        watched = Watched(streamable_http_client(source.url, http_client=http))
        yield watched, watched


def _definition(tool: Tool) -> Definition:
    hints: dict[str, bool] = {}
    if tool.annotations is not None:
        given = tool.annotations.model_dump(by_alias=True, exclude_none=True)
        hints = {name: value for name, value in given.items() if isinstance(value, bool)}
    return Definition(
        tool.name,
        tool.description or tool.title or "",
        tool.input_schema,
        tool.output_schema,
        hints,
    )


def _reason(error: BaseException) -> str:
    """The first real reason in a group of them, in a line."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseException", error.exceptions[0])
    if isinstance(error, TimeoutError):
        return "gave no answer in time"
    if isinstance(error, FileNotFoundError):
        return f"there is no program {error.filename or ''}".rstrip()
    return (str(error) or type(error).__name__).splitlines()[0]
