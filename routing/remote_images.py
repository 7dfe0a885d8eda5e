"""A backend that gets images whole: those behind a URL are fetched here and not by the engine.

What it is: a wrapper. An engine stands where it reaches more than whoever asks may, and follows any URL that it is
given; so a URL of a client's is asked for by `fetch`, which knows where nobody may be sent, and leaves as a `data:` URL.
What it is not: which addresses these are, and what counts as an image (`gateway.compose.images`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from mistral_common.protocol.instruct.chunk import ImageURLChunk
from mistral_common.protocol.instruct.messages import ChatMessage, UserMessage

from routing.backend import ModelBackend, StreamItem, Turn
from routing.errors import BackendRejected
from routing.wrapped import Wrapped

Fetch = Callable[[str, float | None], Awaitable[str]]
"""The image at a URL, by a deadline of the loop's clock, as a `data:` URL. Raises `ImageRefused`."""


class ImageRefused(Exception):
    """An image can't be had; says why, for whoever sent its URL."""


class RemoteImages(Wrapped):
    """`inner`, which sees no other URL of an image than `data:`. `close` lets go of what `fetch` holds."""

    def __init__(
        self, inner: ModelBackend, fetch: Fetch, close: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(inner)
        self._fetch = fetch
        self._close = close

    async def stream(self, turn: Turn) -> AsyncGenerator[StreamItem, None]:
        """The inner stream, with the images in its turn. Raises `BackendRejected` where one can't be had."""
        messages = await self._whole(turn.messages, turn.deadline)
        whole = turn if messages is turn.messages else replace(turn, messages=messages)
        async with aclosing(cast("Any", self._inner.stream(whole))) as items:
            async for item in items:
                yield item

    async def aclose(self) -> None:
        """Close the inner backend and what images were fetched with."""
        await super().aclose()
        await self._close()

    async def _whole(
        self, messages: Sequence[ChatMessage], deadline: float | None
    ) -> Sequence[ChatMessage]:
        if not any(map(_is_remote, _chunks(messages))):
            return messages
        found: list[ChatMessage] = []
        for at, message in enumerate(messages):
            if isinstance(message, UserMessage) and any(map(_is_remote, _chunks([message]))):
                parts = [
                    await self._had(part, f"messages[{at}].content[{n}]", deadline)
                    if _is_remote(part)
                    else part
                    for n, part in enumerate(message.content)
                ]
                found.append(message.model_copy(update={"content": parts}))
            else:
                found.append(message)
        return found

    async def _had(self, part: Any, where: str, deadline: float | None) -> ImageURLChunk:
        chunk: ImageURLChunk = part
        try:
            url = await self._fetch(chunk.get_url(), deadline)
        except ImageRefused as error:
            raise BackendRejected(f"{where}: {error}", backend=self.name) from error
        if isinstance(chunk.image_url, str):
            return chunk.model_copy(update={"image_url": url})
        return chunk.model_copy(
            update={"image_url": chunk.image_url.model_copy(update={"url": url})}
        )


def _chunks(messages: Sequence[ChatMessage]) -> list[Any]:
    return [
        part
        for message in messages
        if isinstance(message, UserMessage) and not isinstance(message.content, str)
        for part in message.content
    ]


def _is_remote(part: Any) -> bool:
    return isinstance(part, ImageURLChunk) and part.get_url()[:5].lower() != "data:"
