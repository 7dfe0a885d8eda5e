"""A model that says what the test wrote: the in-memory twin of every backend.

What it is: a `ModelBackend` that plays a script, one item a turn, and records what it was asked.
What it is not: lenient. When the script ends, `ScriptEnded` is raised; it is an `AssertionError`,
so that no fallback takes it for a failing engine.

An item is
- a `str`: a text answer, streamed in pieces;
- a `Call`, or a sequence of them: native tool calls;
- a `Say`: all of it, with control over pieces, pauses, finish reason, log-probabilities;
- an exception: raised before anything is said;
- a function from the `Turn` to any of these.

The script may be endless (`itertools.repeat("again")`); it is read one item a turn.

>>> backend = ScriptedBackend([Call("get_time", {"city": "Lyon"}), "It is noon."])
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from routing.backend import (
    CallClosed,
    Completion,
    StreamItem,
    TextDelta,
    TokenCount,
    TokenLogprob,
    Turn,
    Usage,
)
from routing.closing import is_whole
from routing.errors import BackendTimeout
from routing.prompt.counting import guessed_tokens

USAGE = Usage(prompt_tokens=100, completion_tokens=10)
"""What a turn costs unless its `Say` tells otherwise."""


class ScriptEnded(AssertionError):
    """The backend was asked for more turns than its script has."""


@dataclass(frozen=True, slots=True)
class Call:
    """A native tool call. `arguments` as text is passed on untouched, however broken it is.

    Without an `id` the backend makes one: `call00001`, `call00002`, … over its whole life.
    """

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict[str, Any])
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """One answer in every detail.

    `cuts` are offsets into `text` at which it is cut into deltas; else it is cut every `piece`
    characters. `pauses` maps the index of a delta to an event awaited before it is given, the
    number of deltas meaning before the completion. `holds` maps the index of a call to an event awaited
    before its arguments are whole. `breaks` is raised in place of the completion, after text and calls. `finish_reason` None is `tool_calls` with calls, else `stop`. `logprobs` are
    told only to a turn that asks for them.
    """

    text: str = ""
    calls: Sequence[Call] = ()
    finish_reason: str | None = None
    usage: Usage = USAGE
    logprobs: tuple[TokenLogprob, ...] = ()
    tail: str = ""
    piece: int = 8
    cuts: tuple[int, ...] = ()
    pauses: Mapping[int, asyncio.Event] = field(default_factory=dict[int, asyncio.Event])
    holds: Mapping[int, asyncio.Event] = field(default_factory=dict[int, asyncio.Event])
    breaks: Exception | None = None

    def pieces(self) -> list[str]:
        """The deltas, none empty, that together are `text`."""
        bounds = [0, *(self.cuts or range(self.piece, len(self.text), self.piece)), len(self.text)]
        pieces = (self.text[start:end] for start, end in pairwise(bounds))
        return [piece for piece in pieces if piece]


Answer = str | Call | Sequence[Call] | Say | Exception
Item = Answer | Callable[[Turn], Answer]


class ScriptedBackend:
    """Plays `script`. `turns` is what it was asked; `stopped` the turns that the reader cut short.

    `is_ready` is what `ready()` answers; `closed` tells whether `aclose()` was called.
    """

    def __init__(
        self,
        script: Iterable[Item],
        name: str = "scripted",
        model: str = "scripted",
        context_tokens: int = 32_768,
    ) -> None:
        self.name = name
        self.model = model
        self.context_tokens = context_tokens
        self.is_ready = True
        self.closed = False
        self.turns: list[Turn] = []
        self.stopped: list[Turn] = []
        self._script: Iterator[Item] = iter(script)
        self._calls_made = 0
        self._progress = asyncio.Condition()

    async def asked(self, turns: int = 1) -> None:
        """Return once the backend has been asked `turns` times: for tests that act in mid-turn."""
        async with self._progress:
            await self._progress.wait_for(lambda: len(self.turns) >= turns)

    async def stream(self, turn: Turn) -> AsyncGenerator[StreamItem, None]:
        self.turns.append(turn)
        async with self._progress:
            self._progress.notify_all()
        said = self._next(turn)
        ended = False
        try:
            pieces = said.pieces()
            for index, piece in enumerate(pieces):
                await self._pause(said.pauses.get(index), turn)
                yield TextDelta(piece)
            calls = tuple(map(self._tool_call, said.calls))
            for index, call in enumerate(calls):
                await self._pause(said.holds.get(index), turn)
                if turn.tells_closed and is_whole(call.function.arguments):
                    yield CallClosed(call)
            await self._pause(said.pauses.get(len(pieces)), turn)
            if said.breaks is not None:
                ended = True
                raise said.breaks
            completion = self._completion(said, calls, turn)
            ended = True
            yield completion
        except BackendTimeout:
            ended = True
            raise
        finally:
            if not ended:
                self.stopped.append(turn)

    async def count_tokens(self, turn: Turn) -> TokenCount:
        """Four bytes are a token, and each message and call takes four tokens besides."""
        return guessed_tokens(turn, bytes_per_token=4)

    async def ready(self) -> bool:
        return self.is_ready

    async def aclose(self) -> None:
        self.closed = True

    def _next(self, turn: Turn) -> Say:
        item = next(self._script, None)
        if item is None:
            raise ScriptEnded(
                f"{self.name}: asked for turn {len(self.turns)}, the script is shorter"
            )
        answer = item(turn) if callable(item) else item
        match answer:
            case str():
                return Say(answer)
            case Call():
                return Say(calls=(answer,))
            case Say():
                return answer
            case Exception():
                raise answer
            case _:
                return Say(calls=answer)

    async def _pause(self, event: asyncio.Event | None, turn: Turn) -> None:
        if event is None:
            return
        try:
            async with asyncio.timeout_at(turn.deadline):
                await event.wait()
        except TimeoutError:
            raise BackendTimeout("no token before the deadline", backend=self.name) from None

    def _completion(self, said: Say, calls: tuple[ToolCall, ...], turn: Turn) -> Completion:
        return Completion(
            text=said.text,
            calls=calls,
            finish_reason=said.finish_reason or ("tool_calls" if calls else "stop"),
            usage=said.usage,
            model=self.model,
            logprobs=said.logprobs if turn.logprobs else (),
            tail=said.tail,
        )

    def _tool_call(self, call: Call) -> ToolCall:
        self._calls_made += 1
        arguments = call.arguments
        text = (
            arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        )
        return ToolCall(
            id=call.id if call.id is not None else f"call{self._calls_made:05d}",
            function=FunctionCall(name=call.name, arguments=text),
        )
