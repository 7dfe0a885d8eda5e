"""Images that apps name by URL: fetched through the guard of HTTP tools, never by the engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from mistral_common.protocol.instruct.chunk import ImageURL, ImageURLChunk, TextChunk
from mistral_common.protocol.instruct.messages import SystemMessage, UserMessage

from gateway.compose.images import MAX_BYTES, ImageSource
from gateway.compose.models import build_router
from gateway.settings import Settings
from routing.backend import Turn
from routing.backends.scripted import ScriptedBackend
from routing.errors import BackendRejected
from routing.remote_images import ImageRefused, RemoteImages
from tests.inside import Inside, open_inside
from tools.errors import ToolFailed
from tools.executors.http_session import HttpSessions, Request, Response

PUBLIC = "http://93.184.216.34/a.png"


@pytest.fixture
async def inside() -> AsyncGenerator[Inside]:
    async with open_inside() as stub:
        yield stub


class Web(HttpSessions):
    """Answers for the public addresses that it is given; everything else is asked for in earnest."""

    def __init__(self, answers: dict[str, Response]) -> None:
        super().__init__()
        self.answers = answers
        self.asked: list[Request] = []

    async def exchange(self, request: Request) -> Response:
        self.asked.append(request)
        known = self.answers.get(request.url)
        return known if known is not None else await super().exchange(request)


def answered(body: bytes = b"\x89PNG", status: int = 200, **more: Any) -> Response:
    headers = {"Content-Type": "image/png"} | more.pop("headers", {})
    return Response(status, headers, body, charset="utf-8", **{"cut": False, **more})


async def fetched(web: Web, url: str = PUBLIC) -> str:
    try:
        return await ImageSource(web).fetch(url, None)
    finally:
        await web.aclose()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "localhost", "[::ffff:7f00:1]", "example.com@127.0.0.1"]
)
async def test_an_image_inside_is_refused_and_nothing_is_asked(inside: Inside, host: str) -> None:
    for web in (
        Web({}),
        Web({PUBLIC: answered(status=302, headers={"Location": f"http://{host}:{inside.port}/"})}),
    ):
        with pytest.raises(ImageRefused, match="can't be fetched"):
            await fetched(web, PUBLIC if web.answers else f"http://{host}:{inside.port}/")
        assert all(not each.allow_private for each in web.asked)
    assert inside.visits == []


async def test_an_image_outside_becomes_data_also_behind_a_redirect() -> None:
    there = "http://93.184.216.34/b.png"
    web = Web({PUBLIC: answered(status=301, headers={"Location": "/b.png"}), there: answered()})
    assert await fetched(web) == "data:image/png;base64,iVBORw=="
    assert [each.url for each in web.asked] == [PUBLIC, there]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (answered(status=404), "HTTP 404"),
        (answered(headers={"Content-Type": "text/html"}), "no image"),
        (answered(headers={"Content-Type": "image/png, x:y"}), "no image"),
        (answered(b""), "no image"),
        (answered(cut=True), f"more than {MAX_BYTES}"),
        (answered(status=302, headers={"Location": PUBLIC}), "redirects more than 3"),
        (answered(status=302, headers={"Location": "file:///etc/passwd"}), "no web address"),
        (answered(status=302, headers={"Location": "http://[::1"}), "no web address"),
    ],
)
async def test_what_is_no_image_is_refused_with_the_reason(answer: Response, told: str) -> None:
    with pytest.raises(ImageRefused, match=told):
        await fetched(Web({PUBLIC: answer}))


@pytest.mark.parametrize("url", ["http://h:99999/", "http://127.0.0.1\r\nX: y/", "http:// /"])
async def test_what_is_no_url_after_all_is_refused(url: str) -> None:
    with pytest.raises(ImageRefused):
        await fetched(Web({}), url)


def asking(*urls: str) -> Turn:
    images = [ImageURLChunk(image_url=ImageURL(url=each, detail="low")) for each in urls]
    user = UserMessage(content=[TextChunk(text="What is this?"), *images])
    return Turn([SystemMessage(content="Be brief."), user])


async def test_an_engine_sees_bytes_and_no_url() -> None:
    async def fetch(url: str, deadline: float | None) -> str:
        del deadline
        return f"data:image/png;base64,{url[-1]}"

    inner = ScriptedBackend(["A cat."], name="small", model="small")
    backend = RemoteImages(inner, fetch, inner.aclose)
    given = asking("https://x.example/1", "data:image/png;base64,2", "HTTP://x.example/3")
    assert [item async for item in backend.stream(given)]
    [turn] = inner.turns
    images: Any = turn.messages[1].content
    assert [(each.image_url.url[-1], each.image_url.detail) for each in images[1:]] == [
        ("1", "low"),
        ("2", "low"),
        ("3", "low"),
    ]
    assert all(each.get_url().startswith("data:") for each in images[1:])
    assert given == asking("https://x.example/1", "data:image/png;base64,2", "HTTP://x.example/3")


async def test_an_image_that_can_not_be_had_is_the_requests_fault_with_its_place() -> None:
    inner = ScriptedBackend(["never"], name="small", model="small")
    web = Web({})
    source = ImageSource(web)
    backend = RemoteImages(inner, source.fetch, source.aclose)
    with pytest.raises(
        BackendRejected, match=r"messages\[1\].content\[1\]: .*this machine"
    ) as caught:
        async for _ in backend.stream(asking("http://localhost/")):
            pass
    assert isinstance(caught.value.__cause__, ImageRefused)
    assert isinstance(caught.value.__cause__.__cause__, ToolFailed)
    assert inner.turns == []
    await backend.aclose()


@pytest.mark.parametrize("samples", [0, 2])
def test_every_model_that_reads_images_gets_them_so(samples: int) -> None:
    model = {"backend": "vllm", "model": "m", "base_url": "http://127.0.0.1:9/v1", "images": True}
    models = {
        "intermediary": {**model, "samples": samples},
        "expert": {**model, "backend": "litellm"},
    }
    router = build_router(Settings.model_validate({"models": models}))
    assert set(router.members) == {"intermediary", "expert"}
    for member in router.members.values():
        assert isinstance(member.backend, RemoteImages)
