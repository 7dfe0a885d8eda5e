"""`/mcp` through the official client, unmodified, over a real socket, in the old and the new protocol."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ToolsListChanged
from mcp_types import INVALID_PARAMS, CallToolResult, TextContent

from policies.decision import ALLOW, Decision, Deny, RequireApproval
from policies.policy import Policy, Subject
from tools.executor import CallContext
from tools.spec import Annotations, ToolResult, ToolSpec, ValidCall

Connect = Callable[..., AbstractAsyncContextManager[Client]]
ERAS = ["2026-07-28", "legacy"]
EVEN = ToolSpec(
    "is_even",
    "Whether a number is even.",
    {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    returns={
        "type": "object",
        "properties": {"even": {"type": "boolean"}},
        "required": ["even"],
    },
    annotations=Annotations(read_only=True),
)


class Even:
    """Says whether a number is even, and something else about 7."""

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        n = call.arguments["n"]
        return {"odd": True} if n == 7 else {"even": n % 2 == 0}


@pytest.fixture
def connect() -> Connect:
    """An MCP client of a served gateway: `async with connect(gateway, mode) as client`."""

    @asynccontextmanager
    async def connected(gateway: Any, mode: str = "auto") -> AsyncGenerator[Client]:
        # plain HTTP: loading certificates would take longer than the tests
        async with httpx2.AsyncClient(verify=False, timeout=30) as http:
            transport = streamable_http_client(f"{gateway.url}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                yield client

    return connected


def text(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


def error(result: CallToolResult) -> str:
    assert result.is_error
    return json.loads(text(result))["error"]


@pytest.mark.parametrize("era", ERAS)
async def test_the_registry_is_listed_with_schemas_and_hints(
    serve: Any, connect: Connect, era: str
) -> None:
    gateway = await serve()
    gateway.services.registry.register(EVEN, Even())
    async with connect(gateway, era) as client:
        add, _, even = (await client.list_tools()).tools
    assert add.name == "add"
    assert add.description == "The tool add."
    assert add.input_schema["required"] == ["a", "b"]
    assert add.output_schema is None
    assert even.output_schema == EVEN.returns
    hints = even.annotations
    assert hints is not None
    assert hints.read_only_hint is True
    assert hints.destructive_hint is False
    assert hints.idempotent_hint is False
    assert hints.open_world_hint is False


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_runs_and_its_result_is_text_and_structure(
    serve: Any, connect: Connect, era: str
) -> None:
    gateway = await serve()
    gateway.services.registry.register(EVEN, Even())
    async with connect(gateway, era) as client:
        added = await client.call_tool("add", {"a": 17, "b": 25})
        even = await client.call_tool("is_even", {"n": 4})
    assert (text(added), added.structured_content, added.is_error) == ('{"sum":42}', None, False)
    assert (text(even), even.structured_content) == ('{"even":true}', {"even": True})


async def test_arguments_are_repaired_or_refused_with_their_place(
    serve: Any, connect: Connect
) -> None:
    gateway = await serve()
    async with connect(gateway) as client:
        repaired = await client.call_tool("add", {"a": "17", "b": 25})
        refused = await client.call_tool("add", {"a": "many", "b": 25})
    assert text(repaired) == '{"sum":42}'
    assert error(refused).startswith("Invalid arguments at $.a")
    assert gateway.tools.log == ["add"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_failing_tool_is_a_result_that_the_model_reads(
    serve: Any, connect: Connect, era: str
) -> None:
    gateway = await serve()
    async with connect(gateway, era) as client:
        assert error(await client.call_tool("add", {"a": 13, "b": 1})) == "13 is bad luck"


@pytest.mark.parametrize("era", ERAS)
async def test_a_tool_that_there_is_not_is_an_error_of_the_protocol(
    serve: Any, connect: Connect, era: str
) -> None:
    gateway = await serve()
    async with connect(gateway, era) as client:
        with pytest.raises(MCPError, match="did you mean 'add'") as raised:
            await client.call_tool("adds", {"a": 1, "b": 1})
    assert raised.value.code == INVALID_PARAMS


@pytest.mark.parametrize("era", ERAS)
async def test_the_official_client_can_ask_for_a_dry_run(
    serve: Any, connect: Connect, era: str
) -> None:
    gateway = await serve()
    wish: Any = {"gateway/dry_run": "all"}
    async with connect(gateway, era) as client:
        told = await client.call_tool("add", {"a": 1, "b": 2}, meta=wish)
    assert json.loads(text(told))["would_send"] == {"tool": "add", "arguments": {"a": 1, "b": 2}}
    assert told.meta is not None
    assert told.meta["gateway/dry_run"] is True
    assert gateway.tools.log == []


class Rules(Policy):
    """Hides `wait`, denies 1, holds 2, and masks what is above 100."""

    def on_offer(self, subject: Subject, tool: ToolSpec) -> bool:
        return tool.name != "wait"

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        match call.arguments:
            case {"a": 1}:
                return Deny("ones are not added here", "ones")
            case {"a": 2}:
                return RequireApproval("twos are for adults", "twos")
            case _:
                return ALLOW

    def on_result(self, subject: Subject, call: ValidCall, result: ToolResult) -> ToolResult:
        if call.name == "is_even" or call.arguments["a"] > 100:
            return ToolResult(result.call_id, result.name, "[masked]")
        return result


@pytest.mark.parametrize("era", ERAS)
async def test_the_operators_rules_hold(serve: Any, connect: Connect, era: str) -> None:
    gateway = await serve(policies=Rules())
    async with connect(gateway, era) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        with pytest.raises(MCPError, match="there is no tool 'wait'"):
            await client.call_tool("wait", {})
        denied = await client.call_tool("add", {"a": 1, "b": 1})
        held = await client.call_tool("add", {"a": 2, "b": 1})
        assert gateway.tools.log == []
        masked = await client.call_tool("add", {"a": 101, "b": 1})
    assert names == ["add"]
    assert error(denied) == "Not allowed: ones are not added here"
    assert error(held) == "Not run: a person has to approve this first: twos are for adults"
    assert (text(masked), masked.is_error) == ("[masked]", False)


async def test_a_result_that_breaks_its_own_schema_stays_readable(
    serve: Any, connect: Connect
) -> None:
    gateway = await serve()
    gateway.services.registry.register(EVEN, Even())
    masking = await serve(policies=Rules())
    masking.services.registry.register(EVEN, Even())
    async with connect(gateway) as client:
        odd = await client.call_tool("is_even", {"n": 7})
    async with connect(masking) as client:
        masked = await client.call_tool("is_even", {"n": 8})
    assert odd.is_error
    assert text(odd).startswith('{"odd":true}\nThis is not what the tool declares to return: ')
    assert masked.is_error
    assert text(masked).startswith("[masked]\n")


@pytest.mark.parametrize("era", ERAS)
async def test_several_clients_at_once_stay_apart(serve: Any, connect: Connect, era: str) -> None:
    gateway = await serve()

    async def one(number: int) -> None:
        async with connect(gateway, era) as client:
            sums = await asyncio.gather(
                *(client.call_tool("add", {"a": number, "b": 100 * n}) for n in range(5))
            )
        assert [json.loads(text(each))["sum"] for each in sums] == [
            number + 100 * n for n in range(5)
        ]

    await asyncio.gather(*(one(number) for number in range(20, 28)))


async def test_a_call_that_the_client_gives_up_is_cut(serve: Any, connect: Connect) -> None:
    gateway = await serve()
    async with connect(gateway) as client:
        call = asyncio.create_task(client.call_tool("wait", {}))
        await gateway.tools.waiting.wait()
        call.cancel()
        await asyncio.wait_for(gateway.tools.cut.wait(), 5)
        assert text(await client.call_tool("add", {"a": 1, "b": 2})) == '{"sum":3}'


async def test_a_write_that_was_begun_is_finished_when_the_client_leaves(
    serve: Any, connect: Connect
) -> None:
    begun, go_on, written = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Write:
        async def execute(self, call: ValidCall, context: CallContext) -> Any:
            begun.set()
            await go_on.wait()
            written.set()

    gateway = await serve()
    parameters: dict[str, Any] = {"type": "object", "properties": {}}
    gateway.services.registry.register(ToolSpec("write", "Writes.", parameters), Write())
    async with connect(gateway) as client:
        call = asyncio.create_task(client.call_tool("write", {}))
        await begun.wait()
        call.cancel()
    go_on.set()
    await asyncio.wait_for(written.wait(), 5)


async def test_a_client_that_listens_hears_of_a_new_tool(serve: Any, connect: Connect) -> None:
    gateway = await serve()
    async with connect(gateway) as client:
        before = {tool.name for tool in (await client.list_tools()).tools}
        async with client.listen(tools_list_changed=True) as subscription:
            # another thread may register, too
            await asyncio.to_thread(gateway.services.registry.register, EVEN, Even())
            event = await asyncio.wait_for(anext(aiter(subscription)), 5)
        after = {tool.name for tool in (await client.list_tools()).tools}
    assert isinstance(event, ToolsListChanged)
    assert after - before == {"is_even"}


INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "curl", "version": "8"},
    },
}
JSON = {"accept": "application/json, text/event-stream"}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"host": "evil.example"}, 421, "wrong_host"),
        ({"host": "evil.example:8080"}, 421, "wrong_host"),
        ({"origin": "http://evil.example"}, 403, "wrong_origin"),
        ({"origin": "null"}, 403, "wrong_origin"),
        ({"content-type": "text/plain"}, 415, "not_json"),
    ],
)
async def test_a_page_of_another_origin_is_refused(
    serve: Any, headers: dict[str, str], status: int, code: str
) -> None:
    gateway = await serve()
    answer = await gateway.http.post("/mcp", json=INITIALIZE, headers=JSON | headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "[::1]:8080", "127.0.0.1"])
async def test_this_machine_may_be_named_in_any_way(serve: Any, host: str) -> None:
    gateway = await serve()
    own = {"host": host, "origin": f"http://{host}"}
    answer = await gateway.http.post("/mcp", json=INITIALIZE, headers=JSON | own)
    assert answer.status_code == 200
    assert answer.json()["result"]["serverInfo"] == {"name": "gateway", "version": "test"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "mcp-session-id" not in answer.headers


async def test_what_is_no_mcp_gets_a_client_error(serve: Any) -> None:
    gateway = await serve(max_body_bytes=1000)
    large = INITIALIZE | {"padding": "x" * 2000}
    assert (await gateway.http.post("/mcp", json=large, headers=JSON)).status_code == 413
    assert (await gateway.http.get("/mcp", headers=JSON)).status_code == 405
    headers = JSON | {"content-type": "application/json"}
    for body in (b"", b"{", b"[]", b"5", b"\xff", b'{"jsonrpc": "2.0", "id": 1}', b"[" * 500):
        answer = await gateway.http.post("/mcp", content=body, headers=headers)
        assert 400 <= answer.status_code < 500, body


def test_a_gateway_that_nobody_asks_for_mcp_does_not_import_it() -> None:
    program = "import sys, gateway.app; sys.exit('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
