"""`/v1/tools`: the registry over REST."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from policies.decision import Deny, RequireApproval
from policies.policy import Policy
from routing.backends.scripted import Call
from tools.spec import ToolResult, ToolSpec


async def test_the_tools_are_listed_with_their_definition(serve: Any) -> None:
    gateway = await serve([])
    listed = (await gateway.http.get("/v1/tools")).json()
    assert [tool["name"] for tool in listed["data"]] == ["add", "wait"]
    add = listed["data"][0]
    assert add["effect"] == "read"
    assert add["parameters"]["required"] == ["a", "b"]
    assert add["annotations"]["read_only"] is True
    assert add == (await gateway.http.get("/v1/tools/add")).json()


async def test_a_version_is_told_by_the_hash_of_its_definition(serve: Any) -> None:
    one, other = await serve([]), await serve([])
    versions = (await one.http.get("/v1/tools/add/versions")).json()["data"]
    assert versions == (await other.http.get("/v1/tools/add/versions")).json()["data"]
    assert versions[0]["version"] == 1
    assert versions[0]["hash"].startswith("sha256:")
    wait = (await one.http.get("/v1/tools/wait/versions")).json()["data"]
    assert wait[0]["hash"] != versions[0]["hash"]


async def test_a_removed_tool_is_gone(serve: Any) -> None:
    gateway = await serve(["Hi."])
    assert (await gateway.http.delete("/v1/tools/add")).json()["deleted"] is True
    assert (await gateway.http.get("/v1/tools/add")).status_code == 404
    await gateway.chat()
    assert [tool.function.name for tool in gateway.intermediary.turns[0].tools] == ["wait"]


async def invoke(gateway: Any, arguments: Any, name: str = "add") -> Any:
    return await gateway.http.post(f"/v1/tools/{name}/invoke", json={"arguments": arguments})


async def test_a_tool_can_be_run_by_hand(serve: Any) -> None:
    gateway = await serve([])
    result = (await invoke(gateway, {"a": 17, "b": 25})).json()
    assert json.loads(result["content"]) == {"sum": 42}
    assert result["is_error"] is False
    assert result["attempts"] == 1


async def test_numbers_of_any_size_reach_the_tool_exactly(serve: Any) -> None:
    gateway = await serve([])
    response = await invoke(gateway, {"a": 10**30 + 1, "b": -(10**30)})
    assert json.loads(response.json()["content"]) == {"sum": 1}


async def test_a_lossless_repair_is_told(serve: Any) -> None:
    gateway = await serve([])
    result = (await invoke(gateway, {"a": "17", "b": 25})).json()
    assert json.loads(result["content"]) == {"sum": 42}
    assert result["repairs"]


async def test_a_failing_tool_is_a_result(serve: Any) -> None:
    gateway = await serve([])
    response = await invoke(gateway, {"a": 13, "b": 1})
    assert response.status_code == 200
    assert response.json()["is_error"] is True
    assert response.json()["failure"] == "tool"


async def test_arguments_that_break_the_schema_are_refused_with_their_path(serve: Any) -> None:
    gateway = await serve([])
    response = await invoke(gateway, {"a": "x", "b": 1})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "arguments.a"
    assert gateway.tools.log == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"arguments": 5}',
        b'{"arguments": {}, "more": 1}',
        b'{"arguments": {"a": NaN}}',
        b'{"arguments": {"a": 1, "a": 2, "b": 3}}',
        b'{"arguments": {"a": ' + b"9" * 5000 + b', "b": 1}}',
        b'{"arguments": ' + b"[" * 100_000,
        b'"{\\"arguments\\": {\\"a\\": 1, \\"b\\": 2}}"',
        b"\xff",
    ],
)
async def test_a_body_that_is_not_right_is_refused_and_nothing_runs(
    serve: Any, body: bytes
) -> None:
    gateway = await serve([])
    headers = {"content-type": "application/json"}
    response = await gateway.http.post("/v1/tools/add/invoke", content=body, headers=headers)
    assert response.status_code == 400, response.text
    assert gateway.tools.log == []


class Guards(Policy):
    """Forbids sums of more than 100, wants a person for 100, and hides every result."""

    def on_call(self, subject: Any, call: Any) -> Any:
        total = call.arguments["a"] + call.arguments["b"]
        if total > 100:
            return Deny("too much", "sums")
        if total == 100:
            return RequireApproval("a hundred", "sums")
        return super().on_call(subject, call)

    def on_result(self, subject: Any, call: Any, result: ToolResult) -> ToolResult:
        return ToolResult(result.call_id, result.name, "hidden")


async def test_policy_holds_for_a_tool_run_by_hand(serve: Any) -> None:
    gateway = await serve([], policies=Guards())
    denied = await invoke(gateway, {"a": 99, "b": 2})
    assert (denied.status_code, denied.json()["error"]["code"]) == (403, "sums")
    held = await invoke(gateway, {"a": 99, "b": 1})
    assert (held.status_code, held.json()["error"]["code"]) == (403, "approval_required")
    assert gateway.tools.log == []
    assert (await invoke(gateway, {"a": 1, "b": 1})).json()["content"] == "hidden"


async def test_a_tool_that_policy_does_not_offer_is_not_listed_as_gone(serve: Any) -> None:
    class HidesAdd(Policy):
        def on_offer(self, subject: Any, tool: ToolSpec) -> bool:
            return tool.name != "add"

    gateway = await serve(["Hi."], policies=HidesAdd())
    await gateway.chat()
    assert [tool.function.name for tool in gateway.intermediary.turns[0].tools] == ["wait"]
    assert (await gateway.http.get("/v1/tools/add")).status_code == 200


LOOKUP: dict[str, Any] = {
    "name": "look_up",
    "description": "Look a word up.",
    "parameters": {
        "type": "object",
        "properties": {"word": {"type": "string"}},
        "required": ["word"],
        "additionalProperties": False,
    },
    "annotations": {"read_only": True},
    "executor": {"kind": "http", "method": "GET", "url": "https://x.example/{word}"},
}


REACHES_OUT: dict[str, Any] = {
    "type": "object",
    "properties": {"word": {"$ref": "http://169.254.169.254/"}},
    "required": ["word"],
}


def registration(url: str = "https://dictionary.example", **changes: Any) -> dict[str, Any]:
    executor = LOOKUP["executor"] | {"url": url + "/words/{word}"}
    return LOOKUP | {"executor": executor} | changes


async def test_a_registered_http_tool_is_offered_and_runs(serve: Any, listen: Any) -> None:
    asked: list[str] = []

    async def dictionary(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"means": "a greeting"}'})

    async with listen(dictionary) as url:
        gateway = await serve(
            [Call("look_up", {"word": "hello"}), "A greeting."], allow_private=True
        )
        response = await gateway.http.post("/v1/tools", json=registration(url))
        assert response.status_code == 201
        assert response.json()["effect"] == "read"
        run_id = (await gateway.chat()).headers["x-gateway-run-id"]
    trace = await gateway.run(run_id)
    assert "look_up" in trace["offered"]
    assert trace["answer"] == "A greeting."
    assert "a greeting" in trace["steps"][0]["calls"][0]["result"]["content"]
    assert asked == ["/words/hello"]


async def test_registering_tells_what_will_go_wrong(serve: Any) -> None:
    gateway = await serve([])
    word = {"type": "string", "minLength": 2, "not": {"const": "the"}}
    parameters = LOOKUP["parameters"] | {"properties": {"word": word}}
    told = await gateway.http.post("/v1/tools", json=registration(parameters=parameters))
    assert told.status_code == 201
    report = told.json()["report"]
    assert report["grade"] == "A"
    assert [each["kind"] for each in report["findings"]] == ["undescribed"]
    [cost] = report["tokens"]
    assert cost["role"] == "intermediary"
    assert cost["tokens"] > 20
    by_target = {each["target"].partition(" ")[0]: each for each in report["targets"]}
    place = "$.properties.word"
    assert by_target["llguidance"]["not_enforced"] == [f"{place}.not"]
    assert by_target["strict"]["not_enforced"] == [f"{place}.minLength", f"{place}.not"]
    assert by_target["Draft"]["tried"]["wider"] == by_target["Draft"]["tried"]["narrower"] == 0
    assert {"word": ""} in by_target["strict"]["tried"]["examples"]["wider"]
    assert (await gateway.http.get("/v1/tools/look_up/report")).json() == report


async def test_a_registered_tool_gets_the_bounds_that_every_tool_gets(
    serve: Any, listen: Any
) -> None:
    async def novelist(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * 100_000})

    async with listen(novelist) as url:
        gateway = await serve([], allow_private=True)
        await gateway.http.post("/v1/tools", json=registration(url))
        result = (await invoke(gateway, {"word": "hello"}, "look_up")).json()
    assert result["truncated_from"] == 100_000
    assert len(result["content"]) < 30_000


async def test_a_private_address_is_not_reached_unless_the_operator_allows_it(serve: Any) -> None:
    gateway = await serve([])
    await gateway.http.post("/v1/tools", json=registration("http://127.0.0.1:9"))
    result = (await invoke(gateway, {"word": "x"}, "look_up")).json()
    assert result["is_error"] is True


async def test_a_name_in_use_is_a_conflict(serve: Any) -> None:
    gateway = await serve([])
    for name in ("add", "Add"):
        response = await gateway.http.post("/v1/tools", json=registration(name=name))
        assert response.status_code == 409
        assert response.json()["error"]["param"] == "$.name"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"name": "x" * 65}, "$.name"),
        ({"name": 5}, "$.name"),
        ({"parameters": REACHES_OUT}, "$.parameters.properties.word"),
        ({"executor": {"kind": "shell"}}, "$.executor"),
        ({"more": 1}, "$.more"),
    ],
)
async def test_a_definition_that_is_not_right_is_refused_with_its_place(
    serve: Any, changes: dict[str, Any], param: str
) -> None:
    gateway = await serve([])
    response = await gateway.http.post("/v1/tools", json=registration(**changes))
    assert response.status_code == 400
    assert response.json()["error"]["param"].startswith(param)
    assert response.json()["error"]["code"] == "invalid_tool"
    assert len((await gateway.http.get("/v1/tools")).json()["data"]) == 2


class OneAtATime:
    """An upstream that remembers how many calls it had at once."""

    def __init__(self) -> None:
        self.busy = self.most = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.busy += 1
        self.most = max(self.most, self.busy)
        for _ in range(50):
            await asyncio.sleep(0)
        self.busy -= 1
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})


async def test_what_an_author_bounds_holds_for_calls_and_is_told(serve: Any, listen: Any) -> None:
    upstream, gateway = OneAtATime(), await serve([], allow_private=True)
    async with listen(upstream) as url:
        executor = {"kind": "http", "method": "GET", "url": url, "timeout_s": 7, "cache_s": 0}
        bounds = {"max_concurrent": 1, "breaker": {"failures": 2, "pause_s": 9.0}}
        tool = {
            "name": "narrow",
            "description": "Goes through a narrow door.",
            "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}},
            "annotations": {"read_only": True},
            "executor": executor,
            **bounds,
        }
        made = await gateway.http.post("/v1/tools", json=tool)
        assert made.json()["bounds"] == {"timeout_s": 7.0, "cache_s": 0.0, **bounds}
        calls = [invoke(gateway, {"n": n}, "narrow") for n in range(5)]
        answers = await asyncio.gather(*calls)
        assert [answer.json()["is_error"] for answer in answers] == [False] * 5
        assert upstream.most == 1
        add = (await gateway.http.get("/v1/tools/add")).json()
        assert add["bounds"] == {"timeout_s": 30.0, "cache_s": 0.0}
