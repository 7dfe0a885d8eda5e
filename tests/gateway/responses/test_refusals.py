"""What a client can do wrong, and what it is told: a 4xx in OpenAI's shape, with the place."""

from __future__ import annotations

from typing import Any

import pytest

USER: dict[str, Any] = {"role": "user", "content": "Go."}
TOOL: dict[str, Any] = {"type": "function", "name": "theirs", "parameters": {"type": "object"}}
CYCLE: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/a"}},
    "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
}

REFUSED: list[tuple[dict[str, Any], int, str | None]] = [
    ({}, 400, "input"),
    ({"input": 5}, 400, "input"),
    ({"input": "x", "colour": "red"}, 400, "colour"),
    ({"input": "x", "model": "gpt-9"}, 404, "model"),
    ({"input": "x", "temperature": "1"}, 400, "temperature"),
    ({"input": "x", "temperature": 3}, 400, "temperature"),
    ({"input": "x", "max_output_tokens": 1}, 400, "max_output_tokens"),
    ({"input": "x", "max_tool_calls": 0}, 400, "max_tool_calls"),
    ({"input": "x", "stream": "yes"}, 400, "stream"),
    ({"input": "x", "stream_options": {}}, 400, "stream_options"),
    ({"input": "x", "background": True, "store": False}, 400, "store"),
    ({"input": "x", "truncation": "some"}, 400, "truncation"),
    ({"input": "x", "include": ["everything"]}, 400, "include[0]"),
    ({"input": "x", "metadata": {"k": 1}}, 400, "metadata.k"),
    ({"input": "x", "metadata": {"k": "v" * 513}}, 400, "metadata.k"),
    ({"input": "x", "metadata": {str(n): "" for n in range(17)}}, 400, "metadata"),
    ({"input": "x", "prompt": {"id": "p"}}, 400, "prompt"),
    ({"input": "x", "tools": [{"type": "web_search"}]}, 400, "tools[0].type"),
    ({"input": "x", "tools": [{"type": "function"}]}, 400, "tools[0].name"),
    ({"input": "x", "tools": [{**TOOL, "name": "a b"}]}, 400, "tools[0].name"),
    ({"input": "x", "tools": [TOOL, TOOL]}, 400, "tools[1].name"),
    (
        {"input": "x", "tools": [{**TOOL, "parameters": {"type": 5}}]},
        400,
        "tools[0].parameters.type",
    ),
    ({"input": "x", "tools": [{**TOOL, "parameters": CYCLE}]}, 400, "tools[0].parameters.$defs.a"),
    (
        {"input": "x", "text": {"format": {"type": "json_schema", "name": "n", "schema": CYCLE}}},
        400,
        "text.format.schema.$defs.a",
    ),
    ({"input": "x", "tool_choice": "some"}, 400, "tool_choice"),
    ({"input": "x", "tool_choice": {"type": "web"}}, 400, "tool_choice.type"),
    ({"input": "x", "tool_choice": {"type": "function", "name": "x"}}, 400, "tool_choice.name"),
    (
        {
            "input": "x",
            "tool_choice": {"type": "allowed_tools", "tools": [{"type": "function", "name": "x"}]},
        },
        400,
        "tool_choice.tools[0].name",
    ),
    (
        {"input": "x", "tool_choice": {"type": "allowed_tools", "tools": []}},
        400,
        "tool_choice.tools",
    ),
    ({"input": "x", "tool_choice": "required", "gateway": {"tools": []}}, 400, "tool_choice"),
    ({"input": "x", "text": {"format": {"type": "xml"}}}, 400, "text.format.type"),
    ({"input": "x", "text": {"format": {"type": "json_schema"}}}, 400, "text.format.name"),
    (
        {"input": "x", "text": {"format": {"type": "json_schema", "name": "n"}}},
        400,
        "text.format.schema",
    ),
    (
        {"input": "x", "text": {"format": {"type": "text", "schema": {}}}},
        400,
        "text.format.schema",
    ),
    (
        {
            "input": "x",
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "n",
                    "schema": {"properties": {"a": {"type": "integr"}}},
                }
            },
        },
        400,
        "text.format.schema.properties.a.type",
    ),
    ({"input": "x", "previous_response_id": "resp_x"}, 400, "previous_response_id"),
    ({"input": "x", "conversation": "conv_x"}, 404, "conversation"),
    ({"input": "x", "conversation": 5}, 400, "conversation"),
    ({"input": "x", "conversation": {"name": "x"}}, 400, "conversation.id"),
    ({"input": "x", "conversation": "c", "previous_response_id": "r"}, 400, "conversation"),
    ({"input": [{"type": "item_reference", "id": "msg_x"}]}, 404, "input[0].id"),
    ({"input": [{"id": "msg_" + "0" * 28}]}, 404, "input[0].id"),
    ({"input": [{"id": "msg_" + "0" * 24 + "i0000"}]}, 404, "input[0].id"),
    (
        {"input": [USER, {"type": "function_call_output", "call_id": "c", "output": "x"}]},
        400,
        "input[1].call_id",
    ),
    (
        {
            "input": [
                USER,
                USER,
                USER,
                {"role": "user", "content": [{"type": "input_file", "file_id": "f"}]},
            ]
        },
        400,
        "input[3].content[0].type",
    ),
    ({"input": "x", "gateway": {"max_steps": 0}}, 400, "gateway.max_steps"),
    (
        {
            "input": [
                {"role": "user", "content": [{"type": "input_image", "image_url": "http://x"}]}
            ]
        },
        400,
        "input[0].content[0]",
    ),
]


@pytest.mark.parametrize(("body", "status", "param"), REFUSED)
async def test_a_request_is_refused_where_it_is_wrong(
    serve: Any, body: dict[str, Any], status: int, param: str | None
) -> None:
    gateway = await serve()
    for more in (
        ({}, {"stream": True}) if "stream" not in body and "stream_options" not in body else ({},)
    ):
        refused = await gateway.http.post("/v1/responses", json={**body, **more})
        error = refused.json()["error"]
        assert (refused.status_code, error["param"]) == (status, param)
        assert error["type"] == "invalid_request_error"
        assert error["message"]
    assert gateway.intermediary.turns == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{", 400),
        (b'{"input": "\xff"}', 400),
        (b'{"input": "\\ud800"}', 400),
        (b'{"temperature": NaN}', 400),
        (b'{"input": "' + b"x" * 5_000_000 + b'"}', 413),
    ],
)
async def test_a_body_that_is_none_is_refused(serve: Any, body: bytes, status: int) -> None:
    gateway = await serve()
    headers = {"content-type": "application/json"}
    for path in ("/v1/responses", "/v1/responses/compact", "/v1/conversations"):
        if body == b"" and path == "/v1/conversations":
            continue  # nothing asked is nothing wrong
        refused = await gateway.http.post(path, content=body, headers=headers)
        assert refused.status_code == status
        assert refused.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/responses/resp_x", 404),
        ("GET", "/v1/responses/resp_x?stream=true", 404),
        ("GET", "/v1/responses/resp_x?starting_after=1", 400),
        ("GET", "/v1/responses/resp_x?include=all", 400),
        ("DELETE", "/v1/responses/resp_x", 404),
        ("POST", "/v1/responses/resp_x/cancel", 404),
        ("GET", "/v1/responses/resp_x/input_items", 404),
        ("GET", "/v1/responses/resp_x/input_items?limit=101", 400),
        ("GET", "/v1/responses/resp_x/input_items?order=up", 400),
        ("GET", "/v1/conversations/conv_x", 404),
        ("DELETE", "/v1/conversations/conv_x", 404),
        ("GET", "/v1/conversations/conv_x/items", 404),
        ("PUT", "/v1/responses", 405),
    ],
)
async def test_what_is_not_there_is_not_found(
    serve: Any, method: str, path: str, status: int
) -> None:
    gateway = await serve()
    refused = await gateway.http.request(method, path)
    assert refused.status_code == status
    assert set(refused.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        ("/v1/conversations", {"items": 5}, 400, "items"),
        ("/v1/conversations", {"items": [{"role": "x", "content": ""}]}, 400, "items[0].role"),
        ("/v1/conversations", {"items": [{"id": "msg_x"}]}, 404, "items[0].id"),
        ("/v1/conversations", {"items": [USER] * 21}, 400, "items"),
        ("/v1/conversations", {"metadata": {"k" * 65: ""}}, 400, None),
        ("/v1/conversations/conv_x", {}, 400, "metadata"),
        ("/v1/conversations/conv_x", {"metadata": None}, 404, "conversation_id"),
        ("/v1/conversations/conv_x/items", {}, 400, "items"),
        ("/v1/conversations/conv_x/items", {"items": [USER]}, 404, "conversation_id"),
        ("/v1/responses/compact", {}, 400, "model"),
        ("/v1/responses/compact", {"model": "gateway"}, 400, "input"),
        ("/v1/responses/compact", {"model": "gpt-9", "input": "x"}, 404, "model"),
        ("/v1/responses/compact", {"model": "gateway", "input": [5]}, 400, "input[0]"),
    ],
)
async def test_other_bodies_are_refused_where_they_are_wrong(
    serve: Any, path: str, body: dict[str, Any], status: int, param: str | None
) -> None:
    gateway = await serve()
    refused = await gateway.http.post(path, json=body)
    assert refused.status_code == status
    if param is not None:
        assert refused.json()["error"]["param"] == param


async def test_another_tenants_ids_are_not_there(serve: Any) -> None:
    gateway = await serve(["Hi."])
    services = gateway.services
    from gateway.storage.conversations import Conversation
    from gateway.storage.responses import StoredResponse

    run = "0" * 24
    item = {"type": "message", "id": f"msg_{run}0000", "role": "user", "status": "completed"}
    document = {"id": f"resp_{run}", "status": "completed", "output": [item], "background": True}
    theirs = StoredResponse("other", f"resp_{run}", f"run_{run}", 1.0, document)
    await services.responses.create(theirs, [{**item, "id": f"msg_{run}i0000"}])
    await services.conversations.create(Conversation("other", "conv_x", 1.0, {}), [item])
    for method, path in (
        ("GET", f"/v1/responses/resp_{run}"),
        ("DELETE", f"/v1/responses/resp_{run}"),
        ("GET", f"/v1/responses/resp_{run}/input_items"),
        ("POST", f"/v1/responses/resp_{run}/cancel"),
        ("GET", "/v1/conversations/conv_x"),
        ("GET", f"/v1/conversations/conv_x/items/{item['id']}"),
    ):
        assert (await gateway.http.request(method, path)).status_code == 404
    for body in (
        {"input": "x", "previous_response_id": f"resp_{run}"},
        {"input": "x", "conversation": "conv_x"},
        {"input": [{"id": item["id"]}]},
        {"input": [{"id": f"msg_{run}i0000"}]},
    ):
        refused = await gateway.http.post("/v1/responses", json=body)
        assert refused.status_code in (400, 404)
    assert gateway.intermediary.turns == []
