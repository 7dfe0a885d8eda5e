"""Many exchanges by chance over HTTP, each object and event of which is judged by both packages' types.

Not only what the gateway says: what is sent is what the packages' own types of requests allow, and what
the gateway said is sent back to it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from tests.gateway.conftest import Gateway, Serve
from tests.gateway.responses.exchanges import WRONG, Model, People, body
from tests.gateway.responses.test_create import events as stream_of

EXCHANGES, TURNS = 60, 3  # for each of four seeds
CONTINUED = ("completed", "incomplete")


@dataclass
class Talk:
    """One exchange: an app that continues in its own way, and what it has seen."""

    gateway: Gateway
    model: Model
    judge: Any
    in_order: Callable[[list[dict[str, Any]]], None]
    chance: Random
    seen: Counter[str]
    stored: list[str] = field(default_factory=list[str])
    conversation: str | None = None
    window: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def have(self) -> None:
        way = self.chance.choice(["previous", "conversation", "window"])
        if way == "conversation":
            made = await self.ask("POST", "/v1/conversations", {"metadata": {"topic": "x"}})
            self.judge.object("conversation", made)
            self.conversation = made["id"]
        ask = body(self.chance)
        for _ in range(TURNS):
            if way == "window":
                ask["store"] = False
            elif way == "conversation":
                ask["conversation"] = self.conversation
            elif self.stored:
                ask["previous_response_id"] = self.stored[-1]
            await self._be_refused(ask)
            made = await self._respond(ask)
            if made is None or made["status"] not in CONTINUED:
                break
            ask = body(self.chance) | {"input": self._next_input(way, ask, made)}
        await self._look_back()

    def _next_input(
        self, way: str, ask: dict[str, Any], made: dict[str, Any]
    ) -> list[dict[str, Any]]:
        calls = [item for item in made["output"] if item["type"] == "function_call"]
        given: list[dict[str, Any]] = [
            {"type": "function_call_output", "call_id": call["call_id"], "output": "1"}
            for call in calls
        ]
        given = given or [{"type": "message", "role": "user", "content": "Go on."}]
        if way != "window":
            return given
        said = ask["input"]
        if isinstance(said, str):
            said = [{"type": "message", "role": "user", "content": said}]
        self.window = [*said, *made["output"]]
        return [*self.window, *given]

    async def ask(self, method: str, path: str, json: Any = None, status: int = 200) -> Any:
        got = await self.gateway.http.request(method, path, json=json)
        assert got.status_code == status, got.text
        return got.json()

    async def _be_refused(self, ask: dict[str, Any]) -> None:
        if self.chance.random() < 0.3:
            wrong, param = self.chance.choice(WRONG)
            got = await self.gateway.http.post("/v1/responses", json=ask | wrong)
            assert got.status_code in (400, 404), got.text
            self.judge.error(got.json()["error"])
            assert got.json()["error"]["param"] == param
            self.seen["refused"] += 1

    async def _respond(self, ask: dict[str, Any]) -> dict[str, Any] | None:
        """The response to a request, in one of the ways that there are; None when it failed at once."""
        stores = ask.get("store", True)
        way = self.chance.choice(["whole", "stream", *(["background", "cancel"] if stores else [])])
        if way == "stream":
            ask = ask | {"stream": True}
        elif way in ("background", "cancel"):
            ask = ask | {"background": True}
            self.model.hangs = way == "cancel"
        self.judge.request({name: value for name, value in ask.items() if name != "gateway"})
        got = await self.gateway.http.post("/v1/responses", json=ask)
        self.seen[f"way {way}"] += 1
        if got.status_code != 200:
            assert got.status_code in (502, 503), got.text
            self.judge.error(got.json()["error"])
            self.seen["failed at once"] += 1
            return None
        if way == "stream":
            made = self._streamed(stream_of(got.text))
        elif way == "whole":
            made = got.json()
        else:
            made = await self._in_background(got.json(), cancel=way == "cancel")
        assert made is not None
        self._judge(made)
        if stores:
            self.stored.append(made["id"])
            assert await self.ask("GET", f"/v1/responses/{made['id']}") == made
        return made

    async def _in_background(self, queued: dict[str, Any], *, cancel: bool) -> dict[str, Any]:
        self._judge(queued)
        path = f"/v1/responses/{queued['id']}"
        if cancel:
            self._judge(await self.ask("POST", f"{path}/cancel"))
            self.model.hangs = False
        async with asyncio.timeout(60):
            followed = await self.gateway.http.get(path, params={"stream": "true"})
        last = self._streamed(stream_of(followed.text))
        made = await self.ask("GET", path)
        assert last in (made, None)
        return made

    def _streamed(self, events: list[dict[str, Any]]) -> dict[str, Any] | None:
        for event in events:
            self.judge.event(event)
            self.seen[event["type"]] += 1
        self.in_order(events)
        return events[-1].get("response")  # a cancelled one's stream ends in an error

    def _judge(self, made: dict[str, Any]) -> None:
        self.judge.response(made)
        self.seen[made["status"]] += 1
        for item in made["output"]:
            self.judge.item(item)
            self.seen[f"item {item['type']}"] += 1

    async def _look_back(self) -> None:
        """What is kept is listed as it was said, is compacted, and goes."""
        for response_id in self.stored:
            page = await self.ask("GET", f"/v1/responses/{response_id}/input_items")
            self.judge.object("list", page)
        if self.window:
            wish = {"model": "gateway", "input": self.window}
            self.judge.object("compaction request", wish)
            got = await self.gateway.http.post("/v1/responses/compact", json=wish)
            if got.status_code == 200:
                self.judge.object("response.compaction", got.json())
                self.seen["compacted"] += 1
        if self.conversation is not None:
            page = await self.ask("GET", f"/v1/conversations/{self.conversation}/items")
            self.judge.object("conversation list", page)
            gone = await self.ask("DELETE", f"/v1/conversations/{self.conversation}")
            self.judge.object("conversation.deleted", gone)
            self.stored.clear()  # they went with it
        for response_id in self.stored:
            gone = await self.ask("DELETE", f"/v1/responses/{response_id}")
            assert gone == {"id": response_id, "object": "response", "deleted": True}


def said(*kinds: str) -> set[str]:
    return {f"response.{kind}" for kind in kinds}


EVERYWHERE = {
    *("completed", "incomplete", "queued", "cancelled", "failed", "refused"),
    *("way whole", "way stream", "way background", "way cancel"),
    *("item message", "item reasoning", "item function_call"),
    *said("created", "in_progress", "completed", "incomplete"),
    *said("output_item.added", "output_item.done", "content_part.added", "content_part.done"),
    *said("output_text.delta", "output_text.done"),
    *said("function_call_arguments.delta", "function_call_arguments.done"),
    *said("reasoning_summary_part.added", "reasoning_summary_text.delta"),
}
"""What no seed may do without."""


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_exchanged_is_as_published(
    serve: Serve, judge: Any, in_order: Callable[[list[dict[str, Any]]], None], seed: int
) -> None:
    chance, seen = Random(seed), Counter[str]()
    model = Model(chance)
    gateway = await serve(model.script(), policies=People())
    for _ in range(EXCHANGES):
        await Talk(gateway, model, judge, in_order, chance, seen).have()
    assert set(seen) >= EVERYWHERE, sorted(EVERYWHERE - set(seen))
