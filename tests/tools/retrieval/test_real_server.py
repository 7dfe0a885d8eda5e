"""A real embedding server: llama.cpp's, with the embedded model. Its vectors mean little, its protocol is what counts."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tools.executors.function import FunctionExecutor
from tools.registry import Registry
from tools.retrieval.keeping import KeptNear
from tools.retrieval.nearness import EmbeddingsRefused, EmbeddingsUnavailable, Nearness
from tools.retrieval.openai_embeddings import OpenAIEmbedder
from tools.spec import ToolSpec

pytest.importorskip("xllamacpp", reason="the extra `embedded` is not installed")
WEIGHTS = Path(__file__).resolve().parents[3] / "models" / "nano" / "nano.gguf"
KEY = "for this test"
TOOLS = [
    ToolSpec(f"tool_{n}", f"Does {n}.", {"type": "object", "properties": {}}) for n in range(500)
]
ENDLESS = "all about the weather and the money that it costs to be out in it, " * 30


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Its address; it takes no text of more than 256 tokens."""
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(WEIGHTS)
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.n_ctx, params.n_parallel, params.n_batch, params.n_ubatch = 512, 2, 256, 256
    params.cpuparams.n_threads = 1
    params.warmup = False
    params.port = 0
    params.api_keys = [KEY]
    running = xllamacpp.Server(params)
    yield f"{running.listening_address}/v1"
    del running


@pytest.fixture
async def embedder(server: str) -> AsyncIterator[OpenAIEmbedder]:
    made = OpenAIEmbedder(server, "nano", KEY)
    yield made
    await made.aclose()


async def test_a_batch_comes_back_whole_and_in_order(embedder: OpenAIEmbedder) -> None:
    texts = [f"the weather in town number {n}" for n in range(64)]
    together = await embedder.embed(texts)
    assert {len(each) for each in together} == {192}
    assert len(together) == 64
    for at in (0, 40, 63):
        [alone] = await embedder.embed([texts[at]])
        assert near(alone, together[at]) > 0.99


def near(one: Any, other: Any) -> float:
    import numpy as np

    return float(np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other))


async def test_what_is_too_long_and_who_has_no_key_is_told_apart(
    embedder: OpenAIEmbedder, server: str
) -> None:
    with pytest.raises(EmbeddingsRefused):
        await embedder.embed(["short", ENDLESS])
    stranger = OpenAIEmbedder(server, "nano", "another key")
    with pytest.raises(EmbeddingsUnavailable, match="HTTP 401") as told:
        await stranger.embed(["short"])
    assert not isinstance(told.value, EmbeddingsRefused)
    await stranger.aclose()


async def test_five_hundred_tools_are_known_from_a_cold_start_one_of_them_too_long_for_the_model(
    embedder: OpenAIEmbedder,
) -> None:
    registry, without, known = Registry(), list[str](), asyncio.Event()
    tools = [*TOOLS, ToolSpec("endless", ENDLESS, {"type": "object", "properties": {}})]
    for each in tools:
        registry.register(each, FunctionExecutor(lambda: None))

    class Telling(Nearness):
        async def know(self, specs: Any) -> None:
            await super().know(specs)
            known.set()

    nearness = Telling(embedder, deadline_s=60, without=without.append)
    registry.index.nearness = nearness
    async with KeptNear(registry, nearness):
        await nearness.prepare("Does 7")
        assert without == ["warming"]
        async with asyncio.timeout(300):
            await known.wait()
    specs = registry.snapshot().specs
    for request in ("Does 7", ENDLESS, "天气怎么样？", "a\x00b"):
        await nearness.prepare(request)
        scores = nearness.scores(request, specs)
        assert scores is not None
        assert scores.shape == (501,)
    first = list(islice(registry.index.ranked("Does 7"), 20))
    assert first == list(islice(registry.index.ranked("Does 7"), 20))
    assert without == ["warming"]


async def test_a_request_waits_for_its_vector_no_longer_than_it_may(
    embedder: OpenAIEmbedder,
) -> None:
    without: list[str] = []
    hasty = Nearness(embedder, deadline_s=0.000_1, without=without.append)
    await hasty.know(TOOLS[:2])
    await hasty.prepare("Does 1")
    assert without == ["timeout"]
    assert hasty.scores("Does 1", TOOLS[:2]) is None


async def test_a_request_without_a_word_asks_for_nothing(embedder: OpenAIEmbedder) -> None:
    without: list[str] = []
    nearness = Nearness(embedder, deadline_s=60, without=without.append)
    await nearness.know(TOOLS[:2])
    await nearness.prepare(" \n")
    assert without == []
