"""`/v1/conversations`, and responses that are made in one."""

from __future__ import annotations

import asyncio
from typing import Any

from openai.types.conversations import (
    Conversation,
    ConversationDeletedResource,
    ConversationItemList,
)

from routing.backends.scripted import Call, Say
from routing.errors import BackendProtocolError

USER: dict[str, Any] = {"type": "message", "role": "user", "content": "Hello."}


async def texts(gateway: Any, conversation_id: str) -> list[str]:
    page = await gateway.openai.conversations.items.list(conversation_id, order="asc", limit=100)
    return [getattr(item, "content", [item])[0].text if item.type == "message" else item.type for item in page.data]  # fmt: skip


async def test_it_is_made_read_described_and_deleted(serve: Any) -> None:
    gateway = await serve()
    made = await gateway.http.post(
        "/v1/conversations", json={"metadata": {"topic": "x"}, "items": [USER]}
    )
    Conversation.model_validate_json(made.content, strict=True)
    path = f"/v1/conversations/{made.json()['id']}"
    assert (await gateway.http.get(path)).json() == made.json()
    changed = await gateway.http.post(path, json={"metadata": {"topic": "y"}})
    assert changed.json() == {**made.json(), "metadata": {"topic": "y"}}
    cleared = await gateway.http.post(path, json={"metadata": None})
    assert cleared.json()["metadata"] == {}
    deleted = await gateway.http.delete(path)
    ConversationDeletedResource.model_validate_json(deleted.content, strict=True)
    for method in ("GET", "DELETE"):
        assert (await gateway.http.request(method, path)).status_code == 404
        assert (await gateway.http.request(method, f"{path}/items/x")).status_code == 404


async def test_its_items_are_added_listed_read_and_deleted(serve: Any, judge: Any) -> None:
    gateway = await serve()
    path = (
        f"/v1/conversations/{(await gateway.http.post('/v1/conversations', json={})).json()['id']}"
    )
    empty = await gateway.http.get(f"{path}/items")
    ConversationItemList.model_validate_json(empty.content, strict=True)
    call = {"type": "function_call", "call_id": "c", "name": "add", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": "3"}
    added = await gateway.http.post(f"{path}/items", json={"items": [USER, call, output]})
    ConversationItemList.model_validate_json(added.content, strict=True)
    one, two, three = added.json()["data"]
    for item in (one, two, three):
        judge.item(item)
        assert (await gateway.http.get(f"{path}/items/{item['id']}")).json() == item
    listed = await gateway.http.get(f"{path}/items", params={"limit": 2, "order": "asc"})
    assert (listed.json()["data"], listed.json()["has_more"]) == ([one, two], True)
    rest = await gateway.http.get(f"{path}/items", params={"after": two["id"], "order": "asc"})
    assert (rest.json()["data"], rest.json()["has_more"]) == ([three], False)
    gone = await gateway.http.delete(f"{path}/items/{one['id']}")
    assert gone.json()["object"] == "conversation"
    assert (await gateway.http.get(f"{path}/items/{one['id']}")).status_code == 404


async def test_a_response_reads_it_and_adds_to_it(serve: Any) -> None:
    gateway = await serve(
        [Say("I add.", calls=[Call("add", {"a": 1, "b": 2})]), "It is 3.", "Yes."]
    )
    conversation = await gateway.openai.conversations.create(items=[USER])
    first = await gateway.openai.responses.create(
        model="gateway", input="1 + 2?", conversation=conversation.id
    )
    assert first.conversation.id == conversation.id
    await gateway.openai.responses.create(
        model="gateway", input="Sure?", conversation={"id": conversation.id}
    )
    assert await texts(gateway, conversation.id) == [
        "Hello.",
        "1 + 2?",
        "I add.",
        "reasoning",
        "It is 3.",
        "Sure?",
        "Yes.",
    ]
    roles = [str(message.role) for message in gateway.intermediary.turns[-1].messages]
    assert roles == ["user", "user", "assistant", "tool", "assistant", "user"]


async def test_one_response_at_a_time_is_made_in_it(serve: Any) -> None:
    gateway = await serve([Call("wait"), "Done."])
    conversation = await gateway.openai.conversations.create()
    body = {"input": "Go.", "conversation": conversation.id}
    first = asyncio.ensure_future(gateway.http.post("/v1/responses", json=body))
    await gateway.tools.waiting.wait()
    refused = await gateway.http.post("/v1/responses", json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conversation_locked")
    [log] = await gateway.services.store.recent("default", 1)
    await gateway.http.post(f"/v1/runs/{log.run_id}/cancel")
    assert (await first).status_code == 409
    assert await texts(gateway, conversation.id) == []
    done = await gateway.http.post("/v1/responses", json=body)
    assert done.status_code == 200


async def test_a_response_continued_by_id_knows_the_conversation_it_was_made_in(serve: Any) -> None:
    gateway = await serve(["One.", "Two.", "Three."])
    conversation = await gateway.openai.conversations.create(items=[USER])
    one = await gateway.openai.responses.create(
        model="gateway", input="1", conversation=conversation.id
    )
    await gateway.openai.responses.create(model="gateway", input="2", conversation=conversation.id)
    await gateway.openai.responses.create(model="gateway", input="3", previous_response_id=one.id)
    said = [str(message.content) for message in gateway.intermediary.turns[-1].messages]
    assert said == ["Hello.", "1", "One.", "3"]


async def test_what_failed_does_not_become_part_of_it(serve: Any) -> None:
    gateway = await serve([BackendProtocolError("x")] * 8)
    conversation = await gateway.openai.conversations.create()
    body = {"input": "Go.", "conversation": conversation.id}
    failed = await gateway.http.post("/v1/responses", json=body)
    assert failed.status_code >= 500
    assert await texts(gateway, conversation.id) == []
