"""What `POST /v1/responses` may say: strict, nothing unknown, nothing ignored in silence.

Accepted, and without effect on the answer: `user`, `safety_identifier`,
`prompt_cache_key`, `prompt_cache_retention`, `reasoning` (the models here do not reason aloud; the
response repeats it as null), `text.verbosity`, `stream_options` (nothing is obfuscated). `input` and
`tool_choice` are read by their own modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.api.errors import ApiError
from gateway.api.responses.choice import Choice, read_choice
from gateway.api.wire import GatewayOptions, ServiceTier, refusal
from routing.backend import Sampling
from tools.spec import ToolSpec

_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}
_LOGPROBS = "message.output_text.logprobs"
INCLUDABLE = (_LOGPROBS, "reasoning.encrypted_content", "message.input_image.image_url")
"""What `include` may name; there is no reasoning to encrypt, and image URLs are always repeated."""
_UNSUPPORTED = ("prompt", "context_management", "moderation", "prompt_cache_options")

Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
    Field(max_length=16),
]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FunctionTool(_Wire):
    """A client's function. `strict` changes nothing: every call is validated."""

    type: Literal["function"]
    name: Annotated[str, Field(min_length=1)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    def spec(self) -> ToolSpec:
        """The tool as the registry describes its own."""
        parameters = _NO_PARAMETERS if self.parameters is None else self.parameters
        return ToolSpec(name=self.name, description=self.description or "", parameters=parameters)

    def echo(self) -> dict[str, Any]:
        """The tool as the response repeats it."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
            "strict": self.strict,
        }


class ReasoningOptions(_Wire):
    """Hints for models that reason."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


class TextFormat(_Wire):
    """What form the answer has. The last four fields belong to `json_schema`."""

    type: Literal["text", "json_object", "json_schema"]
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")] | None = None
    description: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class TextOptions(_Wire):
    """How the answer's text has to be."""

    format: TextFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class ConversationName(_Wire):
    """The conversation that is continued."""

    id: str


class StreamOptions(_Wire):
    """How to stream. Obfuscation is never added."""

    include_obfuscation: bool | None = None


class ResponseRequest(_Wire):
    """The body of `POST /v1/responses`."""

    model: str = "gateway"
    input: Any = None
    instructions: str | None = None
    previous_response_id: str | None = None
    conversation: Any = None
    tools: list[FunctionTool] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    max_tool_calls: Annotated[int, Field(ge=1)] | None = None
    max_output_tokens: Annotated[int, Field(ge=16)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    text: TextOptions | None = None
    include: list[str] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    store: bool | None = None
    background: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    metadata: Metadata | None = None
    gateway: GatewayOptions | None = None
    reasoning: ReasoningOptions | None = None
    service_tier: ServiceTier | None = None
    user: str | None = None
    safety_identifier: Annotated[str, Field(max_length=64)] | None = None
    prompt_cache_key: Annotated[str, Field(max_length=64)] | None = None
    prompt_cache_retention: Literal["in_memory", "in-memory", "24h"] | None = None

    @cached_property
    def choice(self) -> Choice:
        """`tool_choice`, read."""
        return read_choice(self.tool_choice)

    @property
    def conversation_id(self) -> str | None:
        """The id of the conversation that is continued."""
        named = self.conversation
        return named if isinstance(named, str) or named is None else named["id"]

    @property
    def stores(self) -> bool:
        """Whether the response is kept, which it is unless the request says no."""
        return self.store is not False

    @property
    def wants_logprobs(self) -> bool:
        """Whether the log-probabilities of the answer's tokens are asked for."""
        return _LOGPROBS in (self.include or ())

    def sampling(self) -> Sampling:
        """How the models are to sample."""
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_output_tokens,
            frequency_penalty=self.frequency_penalty,
            presence_penalty=self.presence_penalty,
        )

    def output_schema(self) -> Mapping[str, Any] | None:
        """The JSON Schema that the answer must satisfy, None for free text."""
        wanted = self.text.format if self.text else None
        if wanted is None or wanted.type == "text":
            return None
        return {"type": "object"} if wanted.type == "json_object" else wanted.schema_

    def text_echo(self) -> dict[str, Any]:
        """`text` as the response repeats it."""
        wanted = self.text.format if self.text else None
        form: dict[str, Any] = {"type": wanted.type if wanted else "text"}
        if wanted and wanted.type == "json_schema":
            form |= {
                "name": wanted.name,
                "description": wanted.description,
                "schema": wanted.schema_,
                "strict": wanted.strict is not False,
            }
        verbosity = self.text.verbosity if self.text else None
        return {"format": form, **({"verbosity": verbosity} if verbosity else {})}


def parse_request(body: Mapping[str, object]) -> ResponseRequest:
    """Check a body's form. Raises `ApiError` 400 that names the first parameter at fault."""
    for name in _UNSUPPORTED:
        if body.get(name) is not None:
            raise ApiError(400, f"{name} is not supported here", param=name, code="unsupported")
    known = {key: value for key, value in body.items() if key not in _UNSUPPORTED}
    if known.get("model") is None:
        known.pop("model", None)
    try:
        request = ResponseRequest.model_validate(known)
    except ValidationError as error:
        raise refusal(error) from error
    _check_conversation(request)
    _check_format(request)
    _check_combinations(request)
    _ = request.choice
    return request


def _check_conversation(request: ResponseRequest) -> None:
    named = request.conversation
    if isinstance(named, dict):
        try:
            ConversationName.model_validate(named)
        except ValidationError as error:
            inner = refusal(error)
            param = f"conversation.{inner.param}"
            raise ApiError(400, inner.message, param=param, code=inner.code) from error
    elif named is not None and not isinstance(named, str):
        problem = "conversation is the id of a conversation, or an object with it"
        raise ApiError(400, problem, param="conversation", code="invalid_value")


def _check_format(request: ResponseRequest) -> None:
    wanted = request.text.format if request.text else None
    if wanted is None:
        return
    fields = {"name": wanted.name, "schema": wanted.schema_}
    if wanted.type == "json_schema":
        for key, value in fields.items():
            if value is None:
                where = f"text.format.{key}"
                problem = f"missing parameter: {where}"
                raise ApiError(400, problem, param=where, code="missing_parameter")
        return
    for key, value in {
        **fields,
        "description": wanted.description,
        "strict": wanted.strict,
    }.items():
        if value is not None:
            where = f"text.format.{key}"
            problem = f"{where} belongs to the type json_schema"
            raise ApiError(400, problem, param=where, code="unknown_parameter")


def _check_combinations(request: ResponseRequest) -> None:
    """Parameters that exclude or need one another."""
    for i, name in enumerate(request.include or ()):
        if name not in INCLUDABLE:
            problem = f"{name[:64]!r} can't be included; there are {', '.join(INCLUDABLE)}"
            raise ApiError(400, problem, param=f"include[{i}]", code="invalid_value")
    if request.previous_response_id is not None and request.conversation is not None:
        problem = "give previous_response_id or conversation, not both"
        raise ApiError(400, problem, param="conversation", code="mutually_exclusive_parameters")
    if request.background and not request.stores:
        problem = "a response in the background has to be stored"
        raise ApiError(400, problem, param="store", code="invalid_value")
    if request.stream_options is not None and not request.stream:
        problem = "stream_options belong to stream: true"
        raise ApiError(400, problem, param="stream_options", code="invalid_value")
    if request.top_logprobs and not request.wants_logprobs:
        problem = f"top_logprobs needs include: [{_LOGPROBS!r}]"
        raise ApiError(400, problem, param="top_logprobs", code="invalid_value")
