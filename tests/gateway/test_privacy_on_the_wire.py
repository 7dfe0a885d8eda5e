"""What an expert's engine is really sent with the boundary on, and what is kept of the run afterwards."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from aiohttp import web

from gateway.compose import build_application, build_services
from gateway.settings import SettingsError, load_settings
from policies.filters.known import KNOWN
from policies.filters.listed import words
from policies.filters.sieve import segments
from policies.privacy.placeholders import FORM
from tests.gateway.conftest import listening
from tests.routing.openai_stub import DONE, call, calls, finish, text, usage

pytestmark = pytest.mark.filterwarnings("ignore")  # LiteLLM's own, of many kinds
PRIVATE = {
    "mail": "zhang.wei@example.cn",
    "phone": "13812345678",
    "card": "4111 1111 1111 1111",
    "iban": "DE44 5001 0517 5407 3249 31",
    "id": "11010519491231002X",
    "key": "sk-proj-abcdefghijklmnop1234",
    "project": "白鹭",
}
DETECTORS = [*(each for kind in KNOWN.values() for each in kind), words([PRIVATE["project"]])]
SAID = "；".join(f"{name}：{value}" for name, value in PRIVATE.items())
OURS = ("gateway", "policies", "routing", "tools")
VALUES = " ".join(PRIVATE.values())
TELL = {
    "type": "function",
    "function": {
        "name": "tell",
        "description": f"Such as {PRIVATE['mail']}.",
        "parameters": {
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
        },
    },
}


@dataclass
class Expert:
    """Calls the app's tool with every hidden word that it was sent, then repeats them, in pieces of five."""

    bodies: list[bytes] = field(default_factory=list[bytes])

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        messages = json.loads(self.bodies[-1])["messages"]
        [told] = [str(each["content"]) for each in messages if each["role"] == "user"]
        hidden = " ".join(FORM.findall(told))
        if messages[-1]["role"] == "tool":
            said = [text(hidden[at : at + 5]) for at in range(0, len(hidden), 5)]
            parts = [*said, finish("stop"), usage(), DONE]
        else:
            made = call(0, "call_x1", "tell", json.dumps({"text": hidden}))
            parts = [calls(made), finish("tool_calls"), usage(), DONE]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        return response


@asynccontextmanager
async def gateway(
    folder: Path, backend: str
) -> AsyncGenerator[tuple[httpx.AsyncClient, Expert, Path]]:
    expert, app = Expert(), web.Application()
    app.router.add_post("/v1/chat/completions", expert.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    file = folder / "gateway.yaml"
    file.write_text(
        "models:\n"
        "  intermediary: {backend: vllm, model: m, base_url: 'http://127.0.0.1:9/v1'}\n"
        f"  expert: {{backend: {backend}, model: openai/m, base_url: '{url}', api_key: k}}\n"
        "privacy: {enabled: true, words: [白鹭]}\n"
        f"storage: {{url: 'sqlite:///{folder}/kept.db'}}\n",
        encoding="utf-8",
    )
    services = build_services(load_settings(file, environ={}))
    async with (
        listening(build_application(services), "on") as address,
        httpx.AsyncClient(base_url=address, timeout=60, verify=False) as client,
    ):
        yield client, expert, folder / "kept.db"
    await runner.cleanup()


def texts(value: Any) -> Iterator[str]:
    """Every text and number in JSON, names too."""
    if isinstance(value, dict):
        for name, each in cast("dict[str, Any]", value).items():
            yield name
            yield from texts(each)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from texts(each)
    elif value is not None:
        yield value if isinstance(value, str) else json.dumps(value)


def private_in(body: bytes) -> list[str]:
    """What of the request would still be found, or stands in it however JSON spells it."""
    found = [
        each.text
        for said in texts(json.loads(body))
        for each in segments(said, DETECTORS)
        if each.kind
    ]
    spelled = [
        v for v in PRIVATE.values() if v.encode() in body or json.dumps(v)[1:-1].encode() in body
    ]
    return found + spelled


@pytest.mark.parametrize("backend", ["litellm", "vllm"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_the_engine_is_sent_nothing_private_and_the_app_gets_everything(
    backend: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, *, stream: bool
) -> None:
    for name in (*OURS, "LiteLLM"):
        caplog.set_level(logging.DEBUG, name)
    async with gateway(tmp_path, backend) as (client, expert, kept):
        body: dict[str, Any] = {
            "model": "gateway",
            "messages": [{"role": "user", "content": SAID}],
            "tools": [TELL],
            "gateway": {"escalation": "always"},
        }
        first = (await client.post("/v1/chat/completions", json=body)).json()
        turn = first["choices"][0]["message"]
        [made] = turn["tool_calls"]
        assert json.loads(made["function"]["arguments"]) == {"text": VALUES}
        told = {"role": "tool", "tool_call_id": made["id"], "content": f"Told {SAID}"}
        body |= {"messages": [*body["messages"], turn, told], "stream": stream}
        answer = await client.post("/v1/chat/completions", json=body)
        if stream:
            chunks = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
            deltas = [c["delta"] for each in chunks for c in json.loads(each)["choices"]]
            said = "".join(delta.get("content") or "" for delta in deltas)
        else:
            said = answer.json()["choices"][0]["message"]["content"]
        assert said == VALUES
        records = [
            (await client.get(f"/v1/runs/{run_id}")).json()
            for run_id in (first["gateway"]["run_id"], answer.headers["x-gateway-run-id"])
        ]
    assert len(expert.bodies) == 2
    for sent in expert.bodies:
        assert private_in(sent) == []
    hidden = set(FORM.findall("".join(each.decode() for each in expert.bodies)))
    assert len(hidden) >= 2 * len(PRIVATE)  # each run has its own
    for record in records:
        assert record["escalations"]
        del record["escalations"]  # their receipts tell placeholders, and no values
    files = b"".join(each.read_bytes() for each in kept.parent.glob("kept.db*"))
    logged = "".join(r.getMessage() for r in caplog.records if r.name.split(".")[0] in OURS)
    assert not FORM.search(json.dumps(records) + logged)
    assert not any(f'"{each}": "' in files.decode("utf-8", "replace") for each in hidden)
    assert not any(value in caplog.text for value in PRIVATE.values())


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("patterns: ['a*']", "it matches the empty text"),
        ("words: ['\u200b']", "an empty word"),
        ("find: [names]", "privacy.find"),
    ],
)
def test_what_can_not_be_looked_for_is_told_at_the_start(
    setting: str, why: str, tmp_path: Path
) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(f"privacy: {{enabled: true, {setting}}}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=why):
        load_settings(file, environ={})
