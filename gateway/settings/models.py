"""`models`: the roles and the engines that serve them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from gateway.settings.section import Seconds, Section
from gateway.settings.urls import ShownUrl

EMBEDDED_MODEL = Path(__file__).resolve().parents[2] / "models" / "nano" / "nano.gguf"
"""The weights that come with the repository."""


class Timeouts(Section):
    """How long a backend waits, in seconds; a run's own deadline bounds them all."""

    connect_s: Seconds = 5.0
    """For a connection."""
    idle_s: Seconds = 60.0
    """For each next piece of an answer; the first one includes queueing and reading the prompt."""


class Price(Section):
    """US dollars a million tokens; what `limits.max_cost_usd` and every receipt are reckoned by."""

    input_per_million: Annotated[float, Field(ge=0)]
    """Of prompts."""
    output_per_million: Annotated[float, Field(ge=0)]
    """Of answers."""


class LlamaCppSettings(Section):
    """How much the engine in this process may take; for `backend: llamacpp` only."""

    threads: Annotated[int, Field(ge=1, le=256)] = 1
    """Threads of the engine."""
    slots: Annotated[int, Field(ge=1, le=256)] = 4
    """Turns that run at once; further ones wait."""
    gpu_layers: Annotated[int, Field(ge=0)] = 0
    """Layers kept on a GPU; needs a build of xllamacpp with GPU support."""


class ModelSettings(Section):
    """One model and the engine that serves it."""

    backend: Literal["vllm", "llamacpp", "litellm"]
    """`vllm`: a vLLM server. `llamacpp`: a GGUF file in this process. `litellm`: any provider."""
    model: Annotated[str, Field(min_length=1)]
    """The name that the engine serves it under; for llamacpp the path of a GGUF file."""
    base_url: ShownUrl | None = None
    """Where the engine listens, with `/v1`. Needed by vllm; for litellm null means the provider's."""
    replicas: tuple[ShownUrl, ...] = ()
    """Further engines with the same model, for vllm: each turn goes to the one with the least to do."""
    api_key: SecretStr | None = None
    """Sent as a bearer token; never logged or shown. Empty counts as none."""
    context_tokens: Annotated[int, Field(gt=0)] | None = None
    """The model's window, prompt and answer. Null: what the backend takes for granted."""
    priority_scheduling: bool = False
    """Whether vLLM runs with `--scheduling-policy priority`: then it is told each turn's priority."""
    grammar: bool = True
    """Whether calls are generated under the gateway's own grammar, where the backend is able to."""
    samples: Annotated[int, Field(ge=0, le=32)] = 0
    """Further answers among which doubtful calls are decided by a vote; 0: the first one stands."""
    images: bool = False
    """Whether the model reads images; otherwise messages with images are refused. Not for llamacpp."""
    fold_history: bool = False
    """Earlier turns inside the last user message: the prompt's beginning stays cached. For llamacpp."""
    tokenizer: Path | None = None
    """The model's `tekken.json`. Null: beside the GGUF file; for vllm known by the model's name, or not."""
    timeouts: Timeouts = Timeouts()
    price: Price | None = None
    """Null: what LiteLLM's table says for its models; other backends cost nothing a token."""
    llamacpp: LlamaCppSettings = LlamaCppSettings()

    @field_validator("api_key", mode="after")
    @classmethod
    def _sendable(cls, key: SecretStr | None) -> SecretStr | None:
        """An empty one is none. It goes into a header, where a line break from the end of a file can't stand."""
        told = key.get_secret_value() if key is not None else ""
        if not (told.isascii() and told.isprintable()):
            raise PydanticCustomError(
                "unsendable_key",
                "a key is printable ASCII in one line; is a line break at its end?",
            )
        return key if told else None

    @model_validator(mode="after")
    def _fits_its_backend(self) -> Self:
        if self.backend == "vllm" and self.base_url is None:
            raise PydanticCustomError(
                "missing_base_url",
                "the backend vllm needs `base_url`, such as http://127.0.0.1:8000/v1",
            )
        if self.backend != "vllm" and self.replicas:
            raise PydanticCustomError("needless_replicas", "`replicas` are for the backend vllm")
        if self.backend != "vllm" and self.priority_scheduling:
            raise PydanticCustomError(
                "needless_priorities", "`priority_scheduling` is for the backend vllm"
            )
        if self.backend == "llamacpp" and self.base_url is not None:
            raise PydanticCustomError(
                "needless_base_url",
                "the backend llamacpp runs in this process and takes no `base_url`; remove it, "
                "or use `backend: litellm` for a llama.cpp server",
            )
        if self.backend == "llamacpp" and self.images:
            raise PydanticCustomError(
                "images_not_read", "the backend llamacpp reads text only; remove `images`"
            )
        if self.backend == "litellm" and self.tokenizer is not None:
            raise PydanticCustomError(
                "needless_tokenizer", "LiteLLM counts tokens itself; remove `tokenizer`"
            )
        if self.backend != "llamacpp" and self.fold_history:
            raise PydanticCustomError(
                "not_folded",
                "`fold_history` is for llamacpp, whose prompts are made here; other engines get "
                "messages and make the prompt themselves",
            )
        return self


class ModelsSettings(Section):
    """The two roles. `intermediary` answers; `expert` is lent single decisions."""

    intermediary: ModelSettings = ModelSettings(backend="llamacpp", model=str(EMBEDDED_MODEL))
    expert: ModelSettings | None = None
    """Null: nothing is escalated, and answers say what they could not do."""
    fallbacks: tuple[ModelSettings, ...] = ()
    """Asked in the expert's place, in order, when it fails to decide."""

    @model_validator(mode="after")
    def _follow_an_expert(self) -> Self:
        if self.fallbacks and self.expert is None:
            raise PydanticCustomError(
                "no_expert", "`fallbacks` stand in for an expert; configure `models.expert` first"
            )
        return self
