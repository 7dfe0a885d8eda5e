"""What a tool brought that is no text: named to the model, kept under its run, fetched by its owner."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import Observation
from gateway.agent.loop import AgentLoop
from gateway.agent.run import RunRequest
from gateway.files import keep_file
from gateway.storage.errors import StorageUnavailable
from gateway.storage.files import StoredFile
from gateway.storage.memory_files import MemoryFileStore
from routing.backends.scripted import Call, ScriptedBackend
from routing.router import Member, Router
from tests.stage import spec
from tools.executor import CallContext
from tools.files import FileContent, reference
from tools.registry import Registry
from tools.spec import ValidCall

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


class Camera:
    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        del call
        return await reference(FileContent("image", "image/png", PNG), context.keep)


async def test_a_run_keeps_what_its_tools_brought_and_the_model_reads_a_handle() -> None:
    registry, files = Registry(), MemoryFileStore()
    registry.register(spec("photo", {}, read_only=True), Camera())
    backend = ScriptedBackend([[Call("photo")], [Call("photo")], "Nice."])
    loop = AgentLoop(Router(Member(backend)), registry, files=files)
    request = RunRequest(messages=(UserMessage(content="Go."),), tenant="a")
    results = [e.result.content async for e in loop.run(request) if isinstance(e, Observation)]
    handle = results[0].split()[1].rstrip(",")
    assert results == [f"[image {handle}, image/png, {len(PNG)} bytes]"] * 2, "kept once"
    assert await files.get("a", request.run_id, handle) == StoredFile("image/png", len(PNG))
    assert await files.get("b", request.run_id, handle) is None
    assert await files.get("a", "run_2", handle) is None


@pytest.mark.parametrize(
    ("claimed", "told", "ending"),
    [
        ("image/png", "image/png", ".png"),
        ("IMAGE/PNG; x=1", "image/png", ".png"),
        ("image/svg+xml", "application/octet-stream", ".bin"),
        ("text/html", "application/octet-stream", ".bin"),
        ("x\r\nset-cookie: a=b", "application/octet-stream", ".bin"),
    ],
)
async def test_a_file_is_handed_over_as_a_download_that_no_browser_runs(
    serve: Any, claimed: str, told: str, ending: str
) -> None:
    gateway = await serve(["Hello."])
    run_id = (await gateway.chat()).headers["x-gateway-run-id"]
    handle = await gateway.services.files.put("default", run_id, FileContent("image", claimed, PNG))
    answer = await gateway.http.get(f"/v1/runs/{run_id}/files/{handle}")
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == told
    assert answer.headers["content-disposition"] == f'attachment; filename="{handle}{ending}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers


async def test_another_run_and_another_handle_have_no_file(serve: Any) -> None:
    gateway = await serve(["Hello.", "Hello."])
    runs = [(await gateway.chat()).headers["x-gateway-run-id"] for _ in range(2)]
    handle = await gateway.services.files.put("default", runs[0], FileContent("file", "x/y", b"1"))
    for run_id, name in ((runs[1], handle), (runs[0], "f_0"), ("run_0", handle)):
        answer = await gateway.http.get(f"/v1/runs/{run_id}/files/{name}")
        assert answer.status_code == 404
    elsewhere = await gateway.services.files.put("b", runs[0], FileContent("file", "x/y", b"2"))
    answer = await gateway.http.get(f"/v1/runs/{runs[0]}/files/{elsewhere}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "file_not_found")


async def test_where_the_store_does_not_answer_the_result_says_what_it_was() -> None:
    class Gone(MemoryFileStore):
        async def put(self, tenant: str, run_id: str, file: FileContent) -> str | None:
            raise StorageUnavailable("the store does not answer")

    line = await reference(
        FileContent("image", "image/png", PNG), partial(keep_file, Gone(), "a", "run_1")
    )
    assert line == f"[image, image/png, {len(PNG)} bytes]"


async def test_what_a_tool_says_about_its_file_stays_in_one_line() -> None:
    async def keep(_file: FileContent) -> str:
        return "f_1"

    line = await reference(FileContent("file", "a\nb", b"", "n\n]\n" * 99), keep)
    assert "\n" not in line
    assert len(line) < 300
