"""What the interpreter was told, and that requests are as that presumes."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import httpx
import pytest

from gateway.compose import build_application, build_services
from gateway.runtime import generators_unlisted, settle_collector
from gateway.settings import load_settings
from tests.routing.http1.wire import asked, playing
from tests.routing.openai_stub import HELLO

OURS = {"gateway", "routing", "tools", "policies"}


@pytest.fixture
def collector() -> Generator[None]:
    """The collector as it was, whatever a test made of it."""
    before = gc.get_threshold()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("collector")
def test_what_exists_is_left_out_and_what_comes_is_still_collected() -> None:
    gc.disable()
    settle_collector()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[0] > 10_000
    ring: list[object] = []
    ring.append(ring)
    del ring
    assert gc.collect() >= 1


@pytest.mark.usefixtures("collector")
async def test_requests_leave_no_cycles_of_ours_behind(tmp_path: Path) -> None:
    async def engine(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await asked(reader)
            body = b"".join(HELLO)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    config = tmp_path / "gateway.yaml"
    async with playing(engine) as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        config.write_text(
            f"models: {{intermediary: {{backend: vllm, base_url: '{url}', model: m, context_tokens: 9000}}}}\n"
            "storage: {url: 'memory:'}\n"
            f"tools: {{notes_path: {tmp_path / 'notes.db'}}}\n"
        )
        app = build_application(build_services(load_settings(config)))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
        ):

            async def ask(times: int, *, stream: bool) -> None:
                message = {"role": "user", "content": "hello"}
                for _ in range(times):
                    body = {"model": "gateway", "messages": [message], "stream": stream}
                    answer = await client.post("/v1/chat/completions", json=body)
                    assert answer.status_code == 200, answer.text
                    assert "Hel" in answer.text

            await ask(10, stream=False)
            await ask(10, stream=True)
            gc.collect()
            gc.disable()
            await ask(20, stream=False)
            await ask(20, stream=True)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            left = {home for one in gc.garbage if (home := _home(one)) in OURS}
            assert left == set()


def _home(one: object) -> str:
    """The package that an object belongs to, or the code of a function or of what it has begun."""
    code = getattr(one, "__code__", None) or getattr(one, "cr_code", getattr(one, "ag_code", None))
    if code is None:
        return type(one).__module__.partition(".")[0]
    return next((part for part in Path(code.co_filename).parts if part in OURS), "")


async def test_generators_are_not_listed_and_one_that_is_lost_is_closed_all_the_same() -> None:
    closed = asyncio.Event()

    async def numbers() -> AsyncGenerator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.set()

    before = sys.get_asyncgen_hooks()
    with generators_unlisted():
        hooks = sys.get_asyncgen_hooks()
        assert (hooks.firstiter, hooks.finalizer) == (None, before.finalizer)
        lost = numbers()
        assert await anext(lost) == 1
        del lost
        await asyncio.wait_for(closed.wait(), 5)
    assert sys.get_asyncgen_hooks() == before
