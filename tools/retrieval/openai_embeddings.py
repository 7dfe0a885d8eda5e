"""An embedding model behind an OpenAI-compatible endpoint: vLLM, llama.cpp's server, LiteLLM, OpenAI.

`POST {base_url}/embeddings` with `{model, input: […]}`; aiohttp's exceptions are translated here. What
waits is bounded by whoever asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import aiohttp
import orjson

from tools.retrieval.nearness import EmbeddingsRefused, EmbeddingsUnavailable

_CONNECT_S = 5.0
_TOTAL_S = 60.0
_MOST_BYTES = 64 * 1024 * 1024
_REFUSALS = frozenset({400, 413, 422, 500})
"""What engines say to a text that is too long, or to too many: llama.cpp 500, vLLM 400, others 413 and 422."""


class OpenAIEmbedder:
    """An `Embedder`. The connection is made when it is first needed; `aclose` ends it."""

    def __init__(self, base_url: str, model: str, api_key: str | None = None) -> None:
        self._url = base_url.rstrip("/") + "/embeddings"
        self._model = model
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._session: aiohttp.ClientSession | None = None

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """A vector for each text, in their order."""
        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        try:
            async with self._opened().post(
                self._url, data=orjson.dumps(body), allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    refused = answer.status in _REFUSALS
                    kind = EmbeddingsRefused if refused else EmbeddingsUnavailable
                    raise kind(f"{self._url} answers HTTP {answer.status}")
                return _vectors(orjson.loads(await _whole(answer)), len(texts))
        except (aiohttp.ClientError, OSError) as error:
            told = str(error) or type(error).__name__
            raise EmbeddingsUnavailable(f"{self._url}: {told}") from error
        except ValueError as error:
            raise EmbeddingsUnavailable(f"{self._url} answers something else") from error

    async def aclose(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            timeout = aiohttp.ClientTimeout(_TOTAL_S, sock_connect=_CONNECT_S)
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        return self._session


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    """Raises `ValueError` for more than any answer has."""
    found = bytearray()
    async for piece in answer.content.iter_any():
        found += piece
        if len(found) > _MOST_BYTES:
            raise ValueError("too long")
    return bytes(found)


def _vectors(answer: Any, wanted: int) -> list[list[float]]:
    """Raises `ValueError` for what is no answer."""
    found: dict[int, list[float]] = {}
    try:
        for at, each in enumerate(cast("list[dict[str, Any]]", answer["data"])):
            found[int(each.get("index", at))] = [float(number) for number in each["embedding"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no embeddings") from error
    if sorted(found) != list(range(wanted)):
        raise ValueError("not one for each text")
    return [found[at] for at in range(wanted)]
