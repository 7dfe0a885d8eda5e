"""Images reach engines whose model reads them, as they are, and no other; nothing here fetches one."""

from __future__ import annotations

import os
from typing import Any

import pytest
from mistral_common.protocol.instruct.chunk import (
    ContentChunk,
    ImageURL,
    ImageURLChunk,
    TextChunk,
)
from mistral_common.protocol.instruct.messages import AssistantMessage, UserMessage

from routing.backend import Turn, accepts_images
from routing.backends.litellm import LiteLLMBackend
from routing.backends.retrying import Retries
from routing.backends.scripted import ScriptedBackend
from routing.backends.vllm import VllmBackend
from routing.errors import BackendRejected
from routing.unconstrained import Unconstrained
from tests.routing.openai_stub import played, running

NOWHERE = "http://127.0.0.1:9/never-asked.png"
"""Nothing listens there: who fetches it fails."""
DATA = "data:image/png;base64,iVBORw0KGgo="


def pictured(url: str) -> Turn:
    chunks: list[ContentChunk] = [
        TextChunk(text="What is this?"),
        ImageURLChunk(image_url=ImageURL(url=url, detail="low")),
    ]
    earlier = [UserMessage(content="Hi"), AssistantMessage(content="Hello.")]
    return Turn(messages=[*earlier, UserMessage(content=chunks)])


def vllm(url: str, **options: Any) -> VllmBackend:
    return VllmBackend("small", "m", url, context_tokens=8192, retries=Retries(1), **options)


def litellm(url: str, model: str = "openai/m", **options: Any) -> LiteLLMBackend:
    return LiteLLMBackend("large", model, base_url=url, api_key="k", retries=Retries(1), **options)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [vllm, litellm])
@pytest.mark.parametrize("url", [NOWHERE, DATA], ids=["remote", "data"])
async def test_an_image_is_handed_on_as_it_is(make: Any, url: str) -> None:
    async with running() as stub:
        backend = make(stub.url, accepts_images=True)
        await played(backend, pictured(url))
        await backend.aclose()
    [_, _, sent] = stub.requests[0]["messages"]
    assert sent["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
    ]


async def test_litellm_is_told_never_to_fetch_an_image_before_it_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str | None] = []

    def imported(name: str) -> Any:
        told.append(os.environ.get("MAX_IMAGE_URL_DOWNLOAD_SIZE_MB"))
        raise ImportError(name)

    monkeypatch.setenv("MAX_IMAGE_URL_DOWNLOAD_SIZE_MB", "50")
    monkeypatch.setattr("routing.backends.litellm.import_module", imported)
    with pytest.raises(ImportError):
        await played(litellm("http://127.0.0.1:9/v1", accepts_images=True), pictured(NOWHERE))
    assert told == ["0"]


@pytest.mark.parametrize("make", [vllm, litellm])
async def test_a_model_that_reads_text_only_is_never_asked(make: Any) -> None:
    async with running() as stub:
        backend = make(stub.url)
        with pytest.raises(
            BackendRejected, match=r"messages\[2\]\.content\[1\].*text only"
        ) as told:
            await played(backend, pictured(DATA))
        await backend.aclose()
    assert stub.requests == []
    assert told.value.backend == backend.name


def test_a_backend_that_says_nothing_about_images_reads_none() -> None:
    assert not accepts_images(ScriptedBackend([]))
    assert not accepts_images(vllm("http://x/v1"))
    seeing = vllm("http://x/v1", accepts_images=True)
    assert accepts_images(seeing)
    assert accepts_images(Unconstrained(seeing))
    assert not accepts_images(Unconstrained(ScriptedBackend([])))
