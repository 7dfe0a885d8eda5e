"""The seam between the loop and a model: one method, and a count of what it would be given.

What it is: give it a `Turn`, get a stream of `TextDelta`s that ends in exactly one `Completion`.
What it is not: validation of calls (`tools`), routing and escalation (`routing.router`,
`routing.escalation`), retries of a whole decision (the loop). A backend retries only what has not
begun to answer.

What every backend promises:
- Text is streamed as it comes. Tool calls never appear in deltas, only in the `Completion`, raw, as
  the model spelled them: possibly invalid, possibly cut. `finish_reason` is the engine's claim.
- To a turn that asks for it, a backend that is able to says beforehand that a call's arguments are whole
  (`CallClosed`). That is a hint: the `Completion` alone says what was called.
- The last item is a `Completion`; without one, an exception from `routing.errors` was raised.
- Closing the generator (`aclose()`), or cancelling the task that reads it, stops the engine.
- `turn.deadline` bounds the whole stream; the backend's own timeouts bound each wait.

The in-memory twin is `routing.backends.scripted.ScriptedBackend`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from mistral_common.protocol.instruct.messages import ChatMessage
from mistral_common.protocol.instruct.tool_calls import Tool, ToolCall

from routing.priority import Priority

ToolChoiceMode = Literal["auto", "none", "required"]


@dataclass(frozen=True, slots=True)
class NamedTool:
    """`tool_choice` that forces one tool."""

    name: str


ToolChoice = ToolChoiceMode | NamedTool


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Sampling:
    """How to sample; None leaves it to the engine. `max_tokens` counts the answer only."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Turn:
    """One decision asked of a model.

    `messages` is the canonical conversation (mistral-common types; call ids are nine alphanumerics).
    `deadline` is a reading of the event loop's clock, in seconds. `constrain` asks for the gateway's
    own grammar, under which a call can't be invalid, where the backend is able to. `output_schema` is
    a JSON Schema that text must satisfy (structured output). `max_calls` bounds the calls in a turn,
    `max_repetition` the characters over which its text may repeat one piece (`routing.repetition`); 0: nothing does.
    `top_logprobs` is how many alternatives to each token come with `logprobs`, at most 20. With
    `tells_closed` the reader wants to know of calls as soon as their arguments are whole (`CallClosed`).
    `priority` says who waits for whom where there is not room for all.
    """

    messages: Sequence[ChatMessage]
    tools: Sequence[Tool] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    sampling: Sampling = field(default_factory=Sampling)
    output_schema: Mapping[str, Any] | None = None
    constrain: bool = True
    max_calls: int = 16
    max_repetition: int = 4_000
    logprobs: bool = False
    top_logprobs: int = 5
    tells_closed: bool = False
    deadline: float | None = None
    priority: Priority = "normal"


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class TokenCount:
    """What a turn's prompt takes of the window, in tokens.

    `total` is the whole of it: messages, tools, whatever stands about them. `messages` is what each
    takes by itself, in order; where an engine joins neighbours, their sum differs by a few. `is_exact`
    says that the model's own tokenizer counted; otherwise it may be more, or less.
    """

    total: int
    messages: tuple[int, ...]
    is_exact: bool = False


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class TextDelta:
    """A piece of the answer's text, never empty."""

    text: str


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class CallClosed:
    """A call whose arguments are whole, while the turn may go on. In the order of the calls.

    The `Completion` has it as it is here, id too, unless the turn comes to nothing or turns out to be text.
    """

    call: ToolCall


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class TokenLogprob:
    """One sampled token: its text, natural log-probability and the alternatives that were reported.

    `token_id` where the engine tells it; 9 is a real `[TOOL_CALLS]` in V3-Tekken, text that merely
    looks like it has other ids.
    """

    text: str
    logprob: float
    token_id: int | None = None
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Usage:
    """Tokens of one turn. `cached_tokens` is the part of the prompt read from the prefix cache."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
        )

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Served:
    """Which tier of engines answered, by which name its model goes, and why it was asked (`routing.switch`)."""

    tier: str
    why: str
    model: str = ""


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Completion:
    """What a model decided.

    `calls` are raw: ids are the engine's or made up by the backend (nine alphanumerics, unique in the
    turn), arguments the exact text. `finish_reason` is the engine's claim and is never trusted.
    `logprobs` covers every output token or is empty. `tail` is text behind a call list that is no
    part of it (logged, never shown). `served` is None where there are no tiers.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    usage: Usage = Usage()  # noqa: RUF009 - frozen for pyright, which ruff can't see
    model: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()
    tail: str = ""
    served: Served | None = None


StreamItem = TextDelta | CallClosed | Completion


def accepts_images(backend: object) -> bool:
    """Whether a backend takes messages with images: those that do have a true `accepts_images`."""
    return getattr(backend, "accepts_images", False) is True


def tells_logprobs(backend: object) -> bool:
    """Whether a backend can tell log-probabilities: those that can't have a false `tells_logprobs`."""
    return getattr(backend, "tells_logprobs", True) is True


def most_answers(backend: object) -> int:
    """How many answers one turn may take: more than one where it is asked again before it is decided."""
    return int(getattr(backend, "most_answers", 1))


class ModelBackend(Protocol):
    """A model behind some engine. `context_tokens` is its window, `tokens`, prompt and answer.

    A backend with the attribute `accepts_images: bool` says by it whether its model reads images; ask
    through `accepts_images`, which takes a backend without it for one that reads text only. In the same
    way `tells_logprobs: bool` says whether it answers a turn's `logprobs`; without it, it does. And
    `most_answers: int` says how many answers a turn may cost; without it, one.
    """

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def context_tokens(self) -> int: ...

    def stream(self, turn: Turn) -> AsyncIterator[StreamItem]: ...

    async def count_tokens(self, turn: Turn) -> TokenCount:
        """How long the turn's prompt is, without asking the engine. Bounded by `turn.deadline`.

        As exact as the model's tokenizer is known. What was counted before is not counted again.
        Raises `BackendError`, such as `BackendRejected` for what the model can't read.
        """
        ...

    async def ready(self) -> bool:
        """Whether the engine would answer now. Never raises; bounded by two seconds."""
        ...

    async def aclose(self) -> None: ...
