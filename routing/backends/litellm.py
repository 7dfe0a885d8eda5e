"""Any provider, through LiteLLM: the expert, Mistral Large by default.

The only module that imports LiteLLM, and at the first turn only: it takes seconds and 200 MB.

What LiteLLM does that is undone here (1.106):
- a stream that was cut ends in a made-up `finish_reason` and estimated usage: whether the provider
  itself finished is known from the wrapper, and without that the stream is a protocol error;
- `mistral/` drops a named `tool_choice`: only the named tool is sent, and required;
- its retries and fallbacks, which hide errors and repeat requests: switched off, ours are outside;
- it fetches remote images itself for providers that take none (Anthropic, Bedrock, Gemini): switched
  off, a URL of a client's must not make us reach anything;
- its exceptions, translated here, most specific first. Ids become nine alphanumerics.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, cast

from routing.backend import NamedTool, StreamItem, TextDelta, TokenCount, Turn, Usage
from routing.backends.http_errors import refusal, retry_after_s, without_key
from routing.backends.litellm_prices import known_model
from routing.backends.openai_http import HttpTimeouts
from routing.backends.retrying import NotBegunError, Retries, retried
from routing.errors import (
    BackendError,
    BackendOverloaded,
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    ContextTooLong,
)
from routing.openai_answer import AnswerReader
from routing.openai_wire import chat_body, require_readable, response_format_json, tool_json
from routing.prompt.counting import Counts

DEFAULT_MODEL = "mistral/mistral-large-latest"
UNKNOWN_WINDOW = 32_768
"""Tokens assumed of a model that LiteLLM's table does not know."""


class LiteLLMBackend:
    """One model of one provider, as LiteLLM names it (`provider/model`).

    Without `base_url` and `api_key` the provider's own address and environment variable are used.
    `price` in US dollars a million tokens (input, output) overrides LiteLLM's table. `extra_body` is
    added to every call of LiteLLM. `accepts_images` tells that the model reads images.
    """

    def __init__(
        self,
        name: str,
        model: str = DEFAULT_MODEL,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        context_tokens: int | None = None,
        timeouts: HttpTimeouts | None = None,
        retries: Retries | None = None,
        price: tuple[float, float] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        accepts_images: bool = False,
    ) -> None:
        self.name = name
        self.model = model
        self.accepts_images = accepts_images
        self._base_url = base_url
        self._api_key = api_key
        self._window = context_tokens
        self._timeouts = timeouts or HttpTimeouts()
        self._retries = retries or Retries()
        self._price = price
        self._extra_body = dict(extra_body or {})
        self._litellm: Any = None
        self._counts = Counts()

    @property
    def context_tokens(self) -> int:
        """The configured window, else LiteLLM's table's, else an assumption."""
        return self._window or known_model(self.model).context_tokens or UNKNOWN_WINDOW

    @property
    def tells_logprobs(self) -> bool:
        """Whether the provider may; Mistral's API has none."""
        return not self.model.startswith("mistral/")

    def price_usd(self, usage: Usage) -> float:
        """US dollars for `usage`; 0.0 for a model whose price nobody told."""
        if self._price is not None:
            prompt, answer = self._price
            return (usage.prompt_tokens * prompt + usage.completion_tokens * answer) / 1_000_000
        known = known_model(self.model)
        fresh = known.input_usd or 0.0
        cached = fresh if known.cached_usd is None else known.cached_usd
        return (
            (usage.prompt_tokens - usage.cached_tokens) * fresh
            + usage.cached_tokens * cached
            + usage.completion_tokens * (known.output_usd or 0.0)
        )

    async def stream(self, turn: Turn) -> AsyncGenerator[StreamItem, None]:
        """See `routing.backend.ModelBackend`."""
        require_readable(turn.messages, self)
        litellm = self._litellm = self._litellm or await asyncio.to_thread(_import_litellm)
        request = self._request(turn)

        async def attempt() -> Any:
            return await self._opened(litellm, request, turn.deadline)

        stream = await retried(attempt, self._retries, turn.deadline)
        reader = AnswerReader(text_after_calls_is_tail=False)
        try:
            chunks = aiter(stream)
            while (chunk := await self._next(litellm, chunks, turn.deadline)) is not None:
                if text := reader.feed(chunk):
                    yield TextDelta(text)
                if turn.tells_closed and reader.drafts:
                    for closed in reader.closed():
                        yield closed
        finally:
            await _close(stream)
        if getattr(stream, "received_finish_reason", reader.finish_reason) is None:
            raise BackendProtocolError("the stream was cut", backend=self.name)
        completion = reader.completion()
        yield replace(completion, model=completion.model or self.model)

    async def count_tokens(self, turn: Turn) -> TokenCount:
        """By LiteLLM's own counter: for most providers, Mistral too, an estimate.

        It is told to fetch nothing: neither a tokenizer nor an image.
        """
        litellm = self._litellm = self._litellm or await asyncio.to_thread(_import_litellm)
        try:
            async with self._bounded(turn.deadline):
                return await asyncio.to_thread(self._count, litellm, turn)
        except TimeoutError:
            raise BackendTimeout("the prompt was not counted in time", backend=self.name) from None

    async def ready(self) -> bool:
        """Always: providers have no readiness, and asking costs money."""
        return True

    async def aclose(self) -> None:
        """Close LiteLLM's connections, if it was ever used."""
        if self._litellm is not None:
            await self._litellm.close_litellm_async_clients()

    def _request(self, turn: Turn) -> dict[str, Any]:
        request = chat_body(turn, self.model)
        if self.model.startswith("mistral/") and isinstance(turn.tool_choice, NamedTool):
            named = [t for t in turn.tools if t.function.name == turn.tool_choice.name]
            request |= {"tools": [tool_json(tool) for tool in named], "tool_choice": "required"}
        if turn.output_schema is not None and (not turn.tools or turn.tool_choice == "none"):
            request["response_format"] = response_format_json(turn.output_schema)
        if turn.logprobs and self.tells_logprobs:
            request |= {"logprobs": True, "top_logprobs": turn.top_logprobs}
        return {
            **request,
            "api_base": self._base_url,
            "api_key": self._api_key,
            "timeout": self._timeouts.idle_s + 5.0,  # ours comes first, and is told apart
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,  # sampling that a provider lacks; what matters is seen to above
            **self._extra_body,
        }

    def _count(self, litellm: Any, turn: Turn) -> TokenCount:
        def counted(messages: list[Any], tools: list[Any] | None = None) -> int:
            try:
                return litellm.token_counter(
                    self.model, messages=messages, tools=tools, use_default_image_token_count=True
                )
            except Exception as error:
                raise self._translated(litellm, error) from error

        body = chat_body(turn, self.model)
        tools = counted([], body["tools"]) if turn.tools else 0
        around = counted([])
        each = tuple(
            self._counts.get(message, lambda said=said: counted([said]) - around)
            for message, said in zip(turn.messages, body["messages"], strict=True)
        )
        return TokenCount(sum(each) + max(tools, around), each)

    async def _opened(
        self, litellm: Any, request: Mapping[str, Any], deadline: float | None
    ) -> AsyncIterator[Any]:
        try:
            async with self._bounded(deadline):
                return await litellm.acompletion(**request)
        except TimeoutError:
            raise BackendTimeout("no answer in time", backend=self.name) from None
        except Exception as error:
            ours = self._translated(litellm, error)
            if isinstance(ours, BackendOverloaded) or (
                isinstance(ours, BackendUnavailable)
                and isinstance(error, litellm.exceptions.APIConnectionError)
            ):
                raise NotBegunError(ours) from error
            raise ours from error

    async def _next(
        self, litellm: Any, chunks: AsyncIterator[Any], deadline: float | None
    ) -> dict[str, Any] | None:
        """The next chunk as plain data, None at the end."""
        try:
            async with self._bounded(deadline):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return None
        except TimeoutError:
            raise BackendTimeout("no further token in time", backend=self.name) from None
        except Exception as error:
            raise self._translated(litellm, error) from error
        return cast("dict[str, Any]", chunk.model_dump(exclude_none=True))

    def _translated(self, litellm: Any, error: Exception) -> BackendError:
        known = litellm.exceptions
        what = without_key(str(error), self._api_key)[:500]
        match error:
            case known.ContextWindowExceededError():
                return ContextTooLong(what, backend=self.name)
            case known.MidStreamFallbackError():
                return BackendProtocolError(f"the stream was cut: {what}", backend=self.name)
            case known.Timeout():
                return BackendTimeout(what, backend=self.name)
            case known.APIConnectionError():
                return BackendUnavailable(what, backend=self.name)
            case _:
                status = getattr(error, "status_code", None)
                headers: Any = getattr(error, "litellm_response_headers", None)
                return refusal(
                    status if isinstance(status, int) else 500,
                    what,
                    backend=self.name,
                    retry_after_s=retry_after_s(headers.get("retry-after") if headers else None),
                )

    def _bounded(self, deadline: float | None) -> asyncio.Timeout:
        idle = asyncio.get_running_loop().time() + self._timeouts.idle_s
        return asyncio.timeout_at(idle if deadline is None else min(idle, deadline))


def _import_litellm() -> Any:
    """LiteLLM, quiet and offline. In a thread: the import takes seconds."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["MAX_IMAGE_URL_DOWNLOAD_SIZE_MB"] = "0"  # 0: never; read when it is imported
    litellm: Any = import_module("litellm")
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.disable_hf_tokenizer_download = True
    _ = litellm.acompletion, litellm.exceptions  # loaded when first touched: touch them here
    return litellm


async def _close(stream: Any) -> None:
    """Let go of the provider's connection, through however many wrappers it lies."""
    for held in (stream, getattr(stream, "completion_stream", None)):
        close = getattr(held, "aclose", None) or getattr(held, "close", None)
        if close is not None:
            await close()
