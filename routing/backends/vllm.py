"""vLLM, or any engine that speaks its dialect of the OpenAI protocol, over plain HTTP.

What it adds to the protocol: the gateway's own grammar in `auto` (free to talk or to call, but a call
can't be invalid), token ids that tell a real `[TOOL_CALLS]` from text that looks like it, and the
reading of what vLLM makes of a weak model under `required`: a raw, cut call list as content.

Cancelling, or closing the stream, closes the connection, on which vLLM aborts the request.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from routing.backend import (
    Completion,
    NamedTool,
    StreamItem,
    TextDelta,
    TokenCount,
    Turn,
)
from routing.backends.openai_http import READY_TIMEOUT_S, End, HttpTimeouts, OpenAiHttp
from routing.backends.retrying import Retries
from routing.errors import (
    BackendError,
    BackendProtocolError,
    BackendRejected,
    BackendTimeout,
    ContextTooLong,
)
from routing.grammar.lark import CALLS_TOKEN_ID, lark_grammar
from routing.leak_gate import LeakGate
from routing.native import CALL_MARKER, parse_call_list
from routing.openai_answer import AnswerReader
from routing.openai_wire import chat_body, require_readable, response_format_json
from routing.priority import rank
from routing.prompt import PromptRenderer
from routing.prompt.counting import guessed_tokens
from routing.prompt.known import known_tokenizer

_LOG = logging.getLogger(__name__)

_MOST_REFUSED = 256
_GUESSED_BYTES = 3
"""Bytes a token where the tokenizer is not known: English has about four, Chinese three."""
UNKNOWN_WINDOW = 8_192
"""Tokens assumed until the engine has told its window."""


class VllmBackend:
    """One model on one vLLM server.

    `base_url` ends in `/v1`. `constrain` switches the gateway's grammar off for a model that does
    better without; a `Turn` asks for it too. `logprobs` and `token_ids` are for engines that lack
    them. `strict_roles` keeps to Mistral's rules of conversation (`routing.openai_wire.arranged`).
    `extra_body` is added to every request. Without `context_tokens` the engine is asked once.
    `accepts_images` tells that the model reads images; the engine would follow any URL (`routing.remote_images`).
    `tokenizer` is the model's `tekken.json`, by which prompts are counted here; it is not needed for
    the models whose tokenizer mistral-common brings. `carried` gives the headers that carry a trace on.
    With `priorities` a turn's priority is told, which vLLM takes only with `--scheduling-policy priority`.
    """

    def __init__(
        self,
        name: str,
        model: str,
        base_url: str,
        *,
        api_key: str | None = None,
        context_tokens: int | None = None,
        timeouts: HttpTimeouts | None = None,
        retries: Retries | None = None,
        constrain: bool = True,
        logprobs: bool = True,
        token_ids: bool = True,
        strict_roles: bool = True,
        extra_body: Mapping[str, Any] | None = None,
        accepts_images: bool = False,
        tokenizer: Path | None = None,
        carried: Callable[[], Mapping[str, str]] | None = None,
        priorities: bool = False,
    ) -> None:
        self.name = name
        self.model = model
        self._priorities = priorities
        self.accepts_images = accepts_images
        known = tokenizer or known_tokenizer(model)
        self._renderer = PromptRenderer(known) if known else None
        self._http = OpenAiHttp(
            name,
            base_url.rstrip("/"),
            api_key,
            timeouts or HttpTimeouts(),
            retries or Retries(),
            carried,
        )
        self._window = context_tokens
        self._asked_window = context_tokens is not None
        self._constrain = constrain
        self._logprobs = logprobs
        self._token_ids = token_ids
        self._strict_roles = strict_roles
        self._extra_body = dict(extra_body or {})
        self._refused: set[str] = set()

    @property
    def tells_logprobs(self) -> bool:
        """Whether the engine was not said to lack them."""
        return self._logprobs

    @property
    def context_tokens(self) -> int:
        """The model's window, prompt and answer."""
        return self._window or UNKNOWN_WINDOW

    async def stream(self, turn: Turn) -> AsyncGenerator[StreamItem, None]:
        """See `routing.backend.ModelBackend`."""
        require_readable(turn.messages, self)
        if not self._asked_window:
            await self._learn_window()
        constraint = self._constraint(turn)
        refused: BackendRejected | None = None
        begun = False
        while not begun:
            answer = _Answer(turn)
            ended = False
            body = self._body(turn, {} if refused else constraint)
            batches = self._http.batches(body, turn.deadline)
            try:
                async for batch in batches:
                    if isinstance(batch, End):
                        ended = True
                        break
                    for item in answer.take(batch):
                        begun = begun or self._begin(constraint, refused)
                        yield item
            except BackendRejected as error:
                told = refused or begun or isinstance(error, ContextTooLong) or error.status != 400
                if told or not constraint:
                    raise
                refused = error  # perhaps the engine can't compile it: once more without
                continue
            finally:
                await batches.aclose()
            if not answer.reader.is_whole(ended=ended):
                raise BackendProtocolError("the stream was cut", backend=self.name)
            for item in answer.finish():
                begun = begun or self._begin(constraint, refused)
                yield item

    def _begin(self, constraint: Mapping[str, Any], refused: BackendRejected | None) -> bool:
        """What the engine refused is known from the moment on in which it answers without."""
        if refused is not None:
            self._remember_refused(constraint)
            _LOG.warning("%s refused a grammar or schema, goes on without: %s", self.name, refused)
        return True

    async def count_tokens(self, turn: Turn) -> TokenCount:
        """By the model's own tokenizer where that is known, else a cautious guess."""
        if self._renderer is None:
            return guessed_tokens(turn, _GUESSED_BYTES)
        require_readable(turn.messages, self)
        try:
            async with asyncio.timeout_at(turn.deadline):
                return await asyncio.to_thread(self._renderer.count_tokens, turn)
        except TimeoutError as error:
            message = "the prompt was not counted in time"
            raise BackendTimeout(message, backend=self.name) from error

    async def ready(self) -> bool:
        """Whether the engine is alive; on the way its window is learnt."""
        try:
            root = self._http.base_url.removesuffix("/v1")
            await self._http.get_json(f"{root}/health", READY_TIMEOUT_S / 2)
        except BackendError:
            return False
        if self._window is None:
            await self._learn_window()
        return True

    async def metrics(self, within_s: float) -> str:
        """The engine's metrics in Prometheus' text format. Raises `BackendError`."""
        root = self._http.base_url.removesuffix("/v1")
        return (await self._http.get(f"{root}/metrics", within_s)).decode("utf-8", "replace")

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    def _constraint(self, turn: Turn) -> dict[str, Any]:
        """The part of the body that holds the answer to a form; empty where nothing does."""
        constraint: dict[str, Any] = {}
        if self._constrain and turn.constrain and turn.tools:
            grammar = lark_grammar(
                turn.tools,
                choice=turn.tool_choice,
                max_calls=turn.max_calls if turn.parallel_tool_calls else 1,
                output_schema=turn.output_schema,
            )
            constraint = {"structured_outputs": {"grammar": grammar.text}}
        elif turn.output_schema is not None and (not turn.tools or turn.tool_choice == "none"):
            constraint = {"response_format": response_format_json(turn.output_schema)}
        refused = self._refused and json.dumps(constraint) in self._refused
        return {} if refused else constraint

    def _remember_refused(self, constraint: Mapping[str, Any]) -> None:
        if len(self._refused) >= _MOST_REFUSED:  # apps bring their own: the memory stays bounded
            self._refused.clear()
        self._refused.add(json.dumps(constraint))

    def _body(self, turn: Turn, constraint: Mapping[str, Any]) -> dict[str, Any]:
        body = chat_body(turn, self.model, strict_roles=self._strict_roles)
        body |= constraint
        if turn.logprobs and self._logprobs:
            body |= {"logprobs": True, "top_logprobs": turn.top_logprobs}
        if self._token_ids and (turn.tools or turn.logprobs):
            body["return_token_ids"] = True
        if self._priorities and turn.priority != "normal":
            body["priority"] = rank(turn.priority)
        body |= self._extra_body
        return body

    async def _learn_window(self) -> None:
        """Ask the engine for its window, once; a failure leaves the assumption."""
        self._asked_window = True
        try:
            listed = await self._http.get_json(f"{self._http.base_url}/models", READY_TIMEOUT_S / 2)
        except BackendError as error:
            _LOG.info("%s does not tell its window: %s", self.name, error)
            return
        for model in _models(listed):
            window = model.get("max_model_len")
            if model.get("id") == self.model and isinstance(window, int):
                self._window = window


class _Answer:
    """One answer as it comes: what of it goes on with each batch of chunks, and what in the end."""

    def __init__(self, turn: Turn) -> None:
        self.reader = AnswerReader()
        self._turn = turn
        # Under a forced choice vLLM may hand the call list over as content; elsewhere text is text.
        self._gate = LeakGate() if turn.tools and _is_forced(turn) else None
        self._shown: list[str] = []

    def take(self, batch: list[dict[str, Any]]) -> Iterator[StreamItem]:
        """What arrived together goes on together, and before what was wrong behind it."""
        reader = self.reader
        said: list[str] = []
        failure: BackendProtocolError | None = None
        try:
            said.extend(map(reader.feed, batch))
        except BackendProtocolError as error:
            failure = error
        text = "".join(said)
        if text := self._gate.feed(text) if self._gate else text:
            self._shown.append(text)
            yield TextDelta(text)
        if failure:
            raise failure
        if self._turn.tells_closed and reader.drafts and not _is_echo(reader, self._turn):
            yield from reader.closed()

    def finish(self) -> Iterator[StreamItem]:
        """Text that became visible only now, and the completion."""
        completion, rest = self._completed()
        if rest:
            self._shown.append(rest)
            yield TextDelta(rest)
        text = "".join(self._shown)
        yield completion if completion.text == text else replace(completion, text=text)

    def _completed(self) -> tuple[Completion, str]:
        """The completion, and text that became visible only now."""
        completion = self.reader.completion()
        if self._gate is not None:
            rest, leaked = self._gate.finish()
            found = parse_call_list(leaked) if leaked else None
            if found and (found.calls or not found.complete):
                calls = (*completion.calls, *found.calls)
                return replace(completion, calls=calls, tail=completion.tail + found.tail), rest
            return completion, rest + leaked
        if completion.calls and _is_echo(self.reader, self._turn):
            return replace(completion, calls=(), tail=""), _echoed(completion)
        return completion, ""


def _is_forced(turn: Turn) -> bool:
    return turn.tool_choice == "required" or isinstance(turn.tool_choice, NamedTool)


def _is_echo(reader: AnswerReader, turn: Turn) -> bool:
    """Whether the engine's parser took text for calls: the control token was never generated.

    Under a forced choice without the gateway's grammar vLLM generates a bare list, by design.
    """
    return (
        bool(reader.token_ids) and CALLS_TOKEN_ID not in reader.token_ids and not _is_forced(turn)
    )


def _echoed(completion: Completion) -> str:
    """What the model wrote, put together again from what the engine's parser made of it."""
    calls = ", ".join(
        f'{{"name": "{call.function.name}", "arguments": {call.function.arguments}}}'
        for call in completion.calls
    )
    return f"{CALL_MARKER}[{calls}]{completion.tail}"


def _models(listed: object) -> list[dict[str, Any]]:
    data: object = (
        cast("dict[str, object]", listed).get("data") if isinstance(listed, dict) else None
    )
    entries = cast("list[object]", data) if isinstance(data, list) else []
    return [cast("dict[str, Any]", entry) for entry in entries if isinstance(entry, dict)]
