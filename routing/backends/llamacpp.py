"""A model inside this process, through llama.cpp: no GPU, account or download needed.

What it is: a `ModelBackend` over `LlamaEngine`. Prompts are rendered by mistral-common and sent as
token ids, so nothing that a message holds can become a control token. Calls are told from text by
the id of `[TOOL_CALLS]`, never by its spelling. Generation is greedy unless a turn asks otherwise.

The grammar is the one that vLLM gets, in the spelling that Mistral's models are trained on, and
`<[9]>` in it is the real token. llama.cpp's own conversion of JSON Schema was not taken: it has
neither the spaces nor the order of keys. See `llama_grammar` for what the engine may refuse.

Between the backend and the engine is HTTP on loopback: it streams, and closing the connection stops
the generation and frees the slot.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

from routing.backend import StreamItem, TextDelta, TokenCount, Turn
from routing.backends.llama_answer import LlamaAnswer
from routing.backends.llama_engine import EngineShape, LlamaEngine
from routing.backends.llama_grammar import TrustedGrammars, may_call
from routing.backends.llama_http import LlamaClient
from routing.errors import BackendError, BackendTimeout, ContextTooLong
from routing.prompt import PromptRenderer

Result = TypeVar("Result")

_READY_WITHIN_S = 2.0
_RENDERED_INLINE = 100_000
"""Characters of conversation up to which rendering (about 1 ms) does not need a thread."""
_REPORTED = ["stop", "stop_type", "tokens_predicted", "tokens_evaluated", "timings/cache_n"]


class LlamaCppBackend:
    """The model in the GGUF file at `model_path`.

    `tokenizer` is its `tekken.json`, by default the one beside the file; prompts and calls are spelled
    as its version has them. `max_answer_tokens` bounds the answers of turns that name no bound.
    `stall_s` bounds each wait for a further token, queueing for a slot included, in seconds.
    `fold_history` keeps the prompt's beginning the same from turn to turn (`routing.prompt.folding`).
    See `EngineShape` for the rest.
    """

    def __init__(
        self,
        name: str,
        model_path: Path,
        *,
        tokenizer: Path | None = None,
        context_tokens: int = 8192,
        threads: int = 1,
        slots: int = 4,
        gpu_layers: int = 0,
        max_answer_tokens: int = 1024,
        stall_s: float = 60.0,
        fold_history: bool = False,
    ) -> None:
        self._name = name
        self._model_path = model_path
        self._max_answer_tokens = max_answer_tokens
        self._stall_s = stall_s
        self._renderer = PromptRenderer(
            tokenizer or model_path.with_name("tekken.json"), fold_history=fold_history
        )
        self._shape = EngineShape(
            context_tokens=context_tokens, slots=slots, threads=threads, gpu_layers=gpu_layers
        )
        self._engine = LlamaEngine(model_path, self._shape)
        self._grammars = TrustedGrammars()
        self._asked: LlamaClient | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def model(self) -> str:
        return self._model_path.stem

    @property
    def context_tokens(self) -> int:
        return self._shape.context_tokens

    async def warm(self) -> None:
        """Load model and tokenizer now (0.1 s and 0.5 s for the embedded one), not at first use.

        Raises `BackendUnavailable`, with what to do about it.
        """
        try:
            await self._client()
            await asyncio.to_thread(self._renderer.load)
        except BackendError as error:
            error.backend = error.backend or self._name
            raise

    async def ready(self) -> bool:
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                await self.warm()
                return await (await self._client()).healthy()
        except (BackendError, TimeoutError):
            return False

    async def aclose(self) -> None:
        # First the connections: unloading waits for them with Python's lock held, by which none could close.
        client, self._asked = self._asked, None
        if client is not None:
            await client.aclose()
        await asyncio.to_thread(self._engine.unload)

    async def stream(self, turn: Turn) -> AsyncGenerator[StreamItem, None]:
        try:
            client, prompt = await self._prepared(turn)
            spelling = self._renderer.spelling
            answer = LlamaAnswer(self.model, spelling)
            grammar = await self._grammars.strictest(
                turn, lambda tried: client.obeys(tried, turn.deadline), spelling
            )
            request = self._request(turn, prompt, grammar)
            async with aclosing(client.chunks(request, turn.deadline)) as chunks:
                async for chunk in chunks:
                    if text := answer.take(chunk):
                        yield TextDelta(text)
                    if turn.tells_closed:
                        for closed in answer.closed(chunk):
                            yield closed
            completion = answer.completion()
        except BackendError as error:
            error.backend = error.backend or self._name
            raise
        yield completion

    async def count_tokens(self, turn: Turn) -> TokenCount:
        """See `routing.backend.ModelBackend`."""
        try:
            async with asyncio.timeout_at(turn.deadline):
                return await self._off_the_loop(turn, self._renderer.count_tokens)
        except TimeoutError as error:
            message = "the prompt was not counted in time"
            raise BackendTimeout(message, backend=self._name) from error
        except BackendError as error:
            error.backend = error.backend or self._name
            raise

    async def _prepared(self, turn: Turn) -> tuple[LlamaClient, list[int]]:
        try:
            async with asyncio.timeout_at(turn.deadline):
                return await self._client(), await self._off_the_loop(turn, self._renderer.render)
        except TimeoutError as error:
            raise BackendTimeout("the model was not loaded in time") from error

    async def _client(self) -> LlamaClient:
        if self._asked is not None:
            return self._asked
        endpoint = await asyncio.to_thread(self._engine.load)
        self._asked = self._asked or LlamaClient(endpoint, stall_s=self._stall_s)
        return self._asked

    async def _off_the_loop(self, turn: Turn, work: Callable[[Turn], Result]) -> Result:
        """What `work` makes of the turn; in a thread where that takes long."""
        length = sum(len(str(message.content)) for message in turn.messages)
        if self._renderer.loaded and length <= _RENDERED_INLINE:
            return work(turn)
        return await asyncio.to_thread(work, turn)

    def _request(self, turn: Turn, prompt: list[int], grammar: str | None) -> dict[str, Any]:
        sampling = turn.sampling
        room = self.context_tokens - len(prompt)
        if room < max(sampling.max_tokens or 1, 1):
            message = (
                f"{len(prompt)} tokens of prompt and {sampling.max_tokens or 1} of answer"
                f" do not fit a window of {self.context_tokens}"
            )
            raise ContextTooLong(message)
        banned = [*self._renderer.never_generated]
        if not may_call(turn):
            banned.append(self._renderer.spelling.calls)
        request: dict[str, Any] = {
            "prompt": prompt,
            "n_predict": sampling.max_tokens or min(room, self._max_answer_tokens),
            "temperature": sampling.temperature or 0.0,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
            "stop": list(sampling.stop) or None,
            "frequency_penalty": sampling.frequency_penalty,
            "presence_penalty": sampling.presence_penalty,
            "n_probs": max(turn.top_logprobs, 1) if turn.logprobs else None,
            "grammar": grammar,
            "logit_bias": [[token, False] for token in banned],
            "stream": True,
            "return_tokens": True,
            "cache_prompt": True,
            "response_fields": _REPORTED,
        }
        return {key: value for key, value in request.items() if value is not None}
