"""Ranking by meaning beside words: asked for once, in time, and never needed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tools.executors.function import FunctionExecutor
from tools.registry import Registry
from tools.retrieval.keeping import KeptNear
from tools.retrieval.nearness import EmbeddingsUnavailable, Nearness
from tools.retrieval.openai_embeddings import OpenAIEmbedder
from tools.spec import ToolSpec

MEANINGS = {"weather": 0, "rain": 0, "umbrella": 0, "money": 1, "invoice": 1, "song": 2}


@dataclass
class Concepts:
    """A model that knows what some words are about."""

    asked: list[str] = field(default_factory=list[str])
    failure: Exception | None = None
    hangs: bool = False

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        self.asked.extend(texts)
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure
        return [self.vector(text) for text in texts]

    def vector(self, text: str) -> list[float]:
        found = [0.01] * 4
        for word, about in MEANINGS.items():
            found[about] += word in text.lower()
        return found


def tool(name: str, description: str) -> ToolSpec:
    return ToolSpec(name, description, {"type": "object", "properties": {}})


TOOLS = (
    tool("forecast", "Tells about rain."),
    tool("send_invoice", "Asks somebody for money."),
    tool("play", "Plays a song."),
)


@dataclass
class Stage:
    model: Concepts
    nearness: Nearness
    registry: Registry
    without: list[str]

    async def best(self, request: str, most: int = 2) -> list[str]:
        await self.nearness.prepare(request)
        return list(islice(self.registry.index.ranked(request), most))


@pytest.fixture
def stage() -> Stage:
    model, registry, without = Concepts(), Registry(), list[str]()
    for each in TOOLS:
        registry.register(each, FunctionExecutor(lambda: None))
    nearness = Nearness(model, deadline_s=0.05, without=without.append)
    registry.index.nearness = nearness
    return Stage(model, nearness, registry, without)


async def test_a_tool_is_found_by_its_meaning_without_a_word_in_common(stage: Stage) -> None:
    request = "Shall I bring an umbrella?"
    assert list(stage.registry.index.ranked(request)) == []
    await stage.nearness.know(TOOLS)
    assert await stage.best(request, 1) == ["forecast"]


async def test_words_count_beside_the_meaning(stage: Stage) -> None:
    await stage.nearness.know(TOOLS)
    stage.registry.register(tool("pay", "Umbrella for sale."), FunctionExecutor(lambda: None))
    await stage.nearness.know(stage.registry.snapshot().specs)
    assert set(await stage.best("umbrella")) == {"pay", "forecast"}


async def test_each_of_several_wishes_is_compared(stage: Stage) -> None:
    await stage.nearness.know(TOOLS)
    stage.model.asked.clear()
    request = "Take an umbrella for us. Then some music: a song!"
    await stage.best(request)
    assert stage.model.asked == [request, "Take an umbrella for us", "some music: a song"]


async def test_the_same_text_is_asked_for_once(stage: Stage) -> None:
    await stage.nearness.know(TOOLS)
    await stage.nearness.know(TOOLS)
    again = replace(TOOLS[0], version=7, digest="other")
    await stage.nearness.know([again, *TOOLS[1:]])
    assert len(stage.model.asked) == 3
    first, second = await stage.best("money"), await stage.best("money")
    assert first == second
    assert len(stage.model.asked) == 4
    assert stage.without == []


async def test_as_long_as_a_definition_has_no_vector_words_rank(stage: Stage) -> None:
    await stage.nearness.know(TOOLS[:2])
    assert await stage.best("umbrella") == []
    await stage.nearness.know(TOOLS)
    assert await stage.best("umbrella", 1) == ["forecast"]


@pytest.mark.parametrize("why", ["unavailable", "timeout"])
async def test_a_model_that_fails_is_counted_told_once_and_left_alone(
    stage: Stage, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.nearness.know(TOOLS)
    stage.model.asked.clear()
    stage.model.hangs = why == "timeout"
    stage.model.failure = EmbeddingsUnavailable("it is off")
    assert set(await stage.best("a song of rain")) == {"play", "forecast"}  # by words
    assert await stage.best("money for nothing", 1) == ["send_invoice"]
    assert stage.without == [why, "unavailable"]
    assert stage.model.asked == ["a song of rain"]
    assert caplog.text.count("by their words alone") == 1


async def test_before_definitions_are_known_nothing_is_asked(stage: Stage) -> None:
    assert await stage.best("a song", 1) == ["play"]
    assert stage.model.asked == []
    assert stage.without == ["warming"]


@pytest.mark.parametrize("vectors", [[[0.0, 0.0]], [[float("nan"), 1.0]], [[]], [["x"]], [1.0]])
async def test_what_is_no_vector_is_no_answer(vectors: Any) -> None:
    class Odd:
        async def embed(self, texts: Sequence[str]) -> Any:
            return vectors

    with pytest.raises(EmbeddingsUnavailable):
        await Nearness(Odd()).know(TOOLS[:1])


async def test_tools_that_come_later_get_their_vectors_behind_the_requests(stage: Stage) -> None:
    known = asyncio.Event()
    know = stage.nearness.know

    class Telling(Nearness):
        async def know(self, specs: Sequence[ToolSpec]) -> None:
            await know(specs)
            if len(specs) == 4:
                known.set()

    async with KeptNear(stage.registry, Telling(stage.model), again_s=0.001):
        stage.registry.register(tool("sing", "Sings a song."), FunctionExecutor(lambda: None))
        async with asyncio.timeout(5):
            await known.wait()
    assert len(stage.model.asked) == 4


async def test_a_model_that_was_off_is_asked_again(stage: Stage) -> None:
    stage.model.failure = EmbeddingsUnavailable("off")
    asked = asyncio.Event()
    embed = stage.model.embed

    async def twice(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        try:
            return await embed(texts)
        finally:
            if stage.model.failure is None:
                asked.set()
            stage.model.failure = None

    stage.model.embed = twice
    async with KeptNear(stage.registry, stage.nearness, again_s=0.001), asyncio.timeout(5):
        await asked.wait()


Answer = Callable[[dict[str, Any]], web.Response]


@pytest.fixture
async def endpoint() -> AsyncIterator[Callable[[Answer], Any]]:
    """An OpenAI-compatible server that answers as it is told; gives its embedder and what it saw."""
    servers: list[TestServer] = []
    embedders: list[OpenAIEmbedder] = []

    async def start(answer: Answer) -> tuple[OpenAIEmbedder, list[Any]]:
        seen: list[Any] = []

        async def respond(request: web.Request) -> web.Response:
            body = json.loads(await request.read())
            seen.append((request.path, request.headers.get("Authorization"), body))
            return answer(body)

        application = web.Application()
        application.router.add_post("/v1/embeddings", respond)
        servers.append(TestServer(application))
        await servers[-1].start_server()
        embedders.append(OpenAIEmbedder(str(servers[-1].make_url("/v1/")), "mini", "s3cret"))
        return embedders[-1], seen

    yield start
    for each in embedders:
        await each.aclose()
    for server in servers:
        await server.close()


async def test_the_endpoint_is_asked_as_openai_says_and_answers_in_any_order(endpoint: Any) -> None:
    def answer(body: dict[str, Any]) -> web.Response:
        data = [
            {"object": "embedding", "index": at, "embedding": [at, 1]}
            for at in range(len(body["input"]))
        ]
        return web.json_response({"object": "list", "data": data[::-1], "model": "mini"})

    embedder, seen = await endpoint(answer)
    assert await embedder.embed(["a", "b"]) == [[0.0, 1.0], [1.0, 1.0]]
    body = {"model": "mini", "input": ["a", "b"], "encoding_format": "float"}
    assert seen == [("/v1/embeddings", "Bearer s3cret", body)]


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=503, text="loading"),
        web.Response(text="no JSON"),
        web.json_response([]),
        web.json_response({"data": []}),
        web.json_response({"data": [{"index": 0}]}),
        web.json_response({"data": [{"index": 1, "embedding": [1]}]}),
        web.json_response({"error": "no such model"}),
    ],
    ids=str,
)
async def test_what_is_no_answer_of_an_endpoint_is_told(
    endpoint: Any, answer: web.Response
) -> None:
    copied = web.Response(body=answer.body, status=answer.status)
    embedder, _ = await endpoint(lambda _: copied)
    with pytest.raises(EmbeddingsUnavailable):
        await embedder.embed(["a"])


async def test_an_endpoint_that_is_not_there_is_told() -> None:
    embedder = OpenAIEmbedder("http://127.0.0.1:9/v1", "mini")
    with pytest.raises(EmbeddingsUnavailable):
        await embedder.embed(["a"])
    await embedder.aclose()
