"""An OpenAI-compatible engine that says what was written down for a row: as small and as large model.

The row is known from the request's `seed`. The large one, an oracle, makes the calls that are right. The small
one makes those that were spoilt, and asked again what its script has for that. Neither repeats a call that has its
result; with nothing left to call, they end in words.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from aiohttp import web

from bench.bfcl_noise import Written

_WORDS = "No function fits this."


@dataclass(frozen=True, slots=True)
class Scripted:
    """What the models say to a row."""

    first: list[Written]
    again: list[Written]
    right: list[Written]


@dataclass
class Stub:
    """`asked` counts the turns of each role by row; `url` is the small model's, `large_url` the oracle's."""

    scripts: Mapping[int, Scripted]
    asked: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    url: str = ""
    large_url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        role, row = request.match_info["role"], int(body["seed"])
        script = self.scripts[row]
        self.asked[role, row] += 1
        if role == "large":
            calls = script.right
        else:
            calls = script.first if self.asked[role, row] == 1 else script.again
        done = _answered(body["messages"])
        calls = [each for each in calls if (each.name, _meant(each.arguments)) not in done]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(_streamed(calls, sum(self.asked.values())))
        return response


def _answered(messages: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """The calls that have a result which is no error, as `_meant`."""
    good = {
        each["tool_call_id"]
        for each in messages
        if each["role"] == "tool" and '"error"' not in str(each["content"])
    }
    return {
        (call["function"]["name"], _meant(call["function"]["arguments"]))
        for each in messages
        for call in each.get("tool_calls") or ()
        if call["id"] in good
    }


def _meant(arguments: str) -> str:
    """Arguments so that a call is known again after a repair: numbers and texts of them are one."""
    try:
        return json.dumps(_plain(json.loads(arguments)), sort_keys=True)
    except ValueError:
        return arguments


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(each) for each in cast("list[Any]", value)]
    return str(value)


def _streamed(calls: list[Written], turn: int) -> bytes:
    made: list[dict[str, Any]] = [
        {
            "index": at,
            "id": f"c{turn:06d}{at:02d}",
            "type": "function",
            "function": {"name": each.name, "arguments": each.arguments},
        }
        for at, each in enumerate(calls)
    ]
    delta = {"tool_calls": made} if made else {"content": _WORDS}
    reason = "tool_calls" if made else "stop"
    usage = {"prompt_tokens": 100, "completion_tokens": 20}
    events: tuple[dict[str, Any], ...] = (
        {"choices": [{"index": 0, "delta": delta}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
        {"choices": [], "usage": usage},
    )
    return (
        b"".join(b"data: " + json.dumps(e).encode() + b"\n\n" for e in events) + b"data: [DONE]\n\n"
    )


@asynccontextmanager
async def serving(scripts: Mapping[int, Scripted]) -> AsyncGenerator[Stub]:
    """The engine on a free port."""
    stub, app = Stub(scripts), web.Application(client_max_size=1 << 24)
    app.router.add_post("/{role}/v1/chat/completions", stub.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        stub.url, stub.large_url = (f"http://127.0.0.1:{port}/{r}/v1" for r in ("small", "large"))
        yield stub
    finally:
        await runner.cleanup()
