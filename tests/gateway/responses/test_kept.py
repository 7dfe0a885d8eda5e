"""What is kept of responses: their input, what refers to it, what a request may say of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from openai.types.responses import ResponseItemList

from routing.backends.scripted import Call, Say

THREE: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "input_text", "text": "Go."}]},
    {"type": "function_call", "call_id": "c", "name": "add", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": "3"},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "x"}]},
    {"role": "assistant", "content": "Hm.", "phase": "commentary"},
    {"role": "user", "content": "Go on."},
]


async def create(served: Any, **body: Any) -> dict[str, Any]:
    answered = await served.http.post("/v1/responses", json={"input": "Go.", **body})
    assert answered.status_code == 200
    return answered.json()


def asked(gateway: Any) -> list[str]:
    """What the model was asked last, as texts."""
    return [str(message.content) for message in gateway.intermediary.turns[-1].messages]


async def test_its_input_is_listed_page_by_page(serve: Any, judge: Any) -> None:
    gateway = await serve(["Hi."])
    made = await create(gateway, input=THREE)
    path = f"/v1/responses/{made['id']}/input_items"
    whole = await gateway.http.get(path, params={"order": "asc"})
    ResponseItemList.model_validate_json(whole.content, strict=True)
    items = whole.json()["data"]
    assert len(items) == len(THREE)
    for item in items:
        judge.item(item)
    pages = gateway.openai.responses.input_items.list(made["id"], limit=2, order="asc")
    assert [item.id async for item in pages] == [item["id"] for item in items]
    newest = await gateway.http.get(path, params={"limit": 1})
    assert newest.json()["data"] == items[-1:]
    assert newest.json()["has_more"] is True
    wrong = await gateway.http.get(path, params={"after": "msg_x"})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "after")


async def test_its_input_can_be_sent_again_as_it_is_listed(serve: Any) -> None:
    gateway = await serve(["Hi.", "Hi."])
    made = await create(gateway, input=THREE)
    listed = await gateway.http.get(
        f"/v1/responses/{made['id']}/input_items", params={"order": "asc"}
    )
    await create(gateway, input=listed.json()["data"])
    first, second = gateway.intermediary.turns
    assert first.messages == second.messages


async def test_its_output_can_be_sent_again_and_referred_to(serve: Any) -> None:
    gateway = await serve([Say("I add.", calls=[Call("add", {"a": 1, "b": 2})]), *["Hi."] * 3])
    made = await create(gateway)
    listed = await gateway.http.get(f"/v1/responses/{made['id']}/input_items")
    go_on = {"role": "user", "content": "Go on."}
    ours = [*listed.json()["data"], *made["output"]]
    await create(gateway, input=[*ours, go_on])
    by_value = gateway.intermediary.turns[-1].messages
    references = [{"type": "item_reference", "id": item["id"]} for item in ours]
    await create(gateway, input=[*references, go_on], store=False)
    assert gateway.intermediary.turns[-1].messages == by_value
    assert [str(m.role) for m in by_value] == ["user", "assistant", "tool", "assistant", "user"]


async def test_reasoning_that_a_client_emptied_holds_again_what_it_held(serve: Any) -> None:
    gateway = await serve([Call("add", {"a": 1, "b": 2}), *["Hi."] * 3])
    made = await create(gateway)
    [done, said] = made["output"]
    emptied = {"type": "reasoning", "id": done["id"], "summary": done["summary"]}
    await create(gateway, input=[{"role": "user", "content": "Go."}, emptied, said, THREE[-1]])
    roles = [str(message.role) for message in gateway.intermediary.turns[-1].messages]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    await gateway.http.delete(f"/v1/responses/{made['id']}")
    await create(gateway, input=[emptied, THREE[-1]])
    assert asked(gateway) == ["Go on."]


async def test_a_past_that_fits_no_window_is_refused(serve: Any) -> None:
    gateway = await serve(["One."], max_body_bytes=64 * 1024 * 1024)
    first = await create(gateway, input="x" * 3_000_000)
    refused = await gateway.http.post(
        "/v1/responses", json={"input": "Go.", "previous_response_id": first["id"]}
    )
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "input")
    assert refused.json()["error"]["code"] == "context_length_exceeded"


async def test_a_chain_with_a_hole_is_refused(serve: Any) -> None:
    gateway = await serve(["One.", "Two."])
    first = await create(gateway)
    second = await create(gateway, previous_response_id=first["id"])
    await gateway.http.delete(f"/v1/responses/{first['id']}")
    refused = await gateway.http.post(
        "/v1/responses", json={"input": "Go.", "previous_response_id": second["id"]}
    )
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "previous_response_id"


async def test_what_a_client_left_is_kept_as_cancelled(serve: Any) -> None:
    gateway = await serve([Say("I wait.", calls=[Call("wait")])])
    stream = await gateway.openai.responses.create(model="gateway", input="Go.", stream=True)
    async for event in stream:
        if event.type == "response.reasoning_summary_part.done":
            break
    await gateway.tools.waiting.wait()
    await stream.close()
    await gateway.tools.cut.wait()
    run = await gateway.ended(await gateway.newest_run())
    assert run["status"] == "cancelled"
    kept = (await gateway.http.get(f"/v1/responses/resp_{run['id'].removeprefix('run_')}")).json()
    assert kept["status"] == "cancelled"
    assert [item["status"] for item in kept["output"]] == ["completed", "incomplete"]


async def test_structured_output_is_asked_of_the_model(serve: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    gateway = await serve(['{"a": 1}'])
    form = {"type": "json_schema", "name": "n", "schema": schema, "strict": True}
    made = await create(gateway, text={"format": form})
    assert gateway.intermediary.turns[-1].output_schema == schema
    assert made["text"]["format"]["schema"] == schema
    assert json.loads(made["output"][0]["content"][0]["text"]) == {"a": 1}


async def test_tools_are_narrowed_to_the_allowed_ones(serve: Any) -> None:
    gateway = await serve(["Hi.", "Hi."])
    theirs = [{"type": "function", "name": name} for name in ("one", "two")]
    allowed = [{"type": "function", "name": name} for name in ("two", "add")]
    choice = {"type": "allowed_tools", "mode": "required", "tools": allowed}
    made = await create(gateway, tools=theirs, tool_choice=choice, gateway={"tools": ["*"]})
    turn = gateway.intermediary.turns[-1]
    assert [tool.function.name for tool in turn.tools] == ["add", "two"]
    assert turn.tool_choice == "required"
    assert made["tool_choice"] == choice
    await create(gateway, tool_choice={"type": "function", "name": "wait"})
    assert gateway.intermediary.turns[-1].tool_choice.name == "wait"


async def test_parallel_requests_do_not_mix(serve: Any) -> None:
    gateway = await serve([lambda turn: str(turn.messages[-1].content)] * 20)
    made = await asyncio.gather(*(create(gateway, input=f"number {n}") for n in range(20)))
    texts = [each["output"][0]["content"][0]["text"] for each in made]
    assert texts == [f"number {n}" for n in range(20)]


async def test_the_calls_that_run_here_are_counted(serve: Any) -> None:
    gateway = await serve([Call("add", {"a": n, "b": 2}) for n in range(4)])
    made = await create(gateway, max_tool_calls=2)
    assert gateway.tools.log == ["add", "add"]
    assert made["max_tool_calls"] == 2
    assert made["status"] == "incomplete"
    assert made["incomplete_details"]["code"] == "max_tool_calls"
