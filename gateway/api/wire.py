"""What a chat request may say, as pydantic models, and its way into a `RunRequest`.

Types are strict (`"5"` is no number) and unknown fields are refused, as OpenAI does: a parameter that
is accepted and ignored is a bug that nobody sees. The fields under "accepted, without effect" are
OpenAI's own and change nothing about an answer. Messages are read by `gateway.transcript`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from mistral_common.protocol.instruct.messages import ChatMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from gateway.access.principal import Principal
from gateway.agent.run import EscalationMode, Limits, Role, RunRequest
from gateway.api.errors import ApiError
from gateway.context.options import ContextOptions, ContextStrategy
from gateway.priorities import Priorities
from routing.backend import NamedTool, Sampling, ToolChoice
from routing.priority import Priority
from tools.dry_run import REAL, DryRun
from tools.spec import ToolSpec

_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}


ServiceTier = Literal["auto", "default", "flex", "scale", "priority", "fast"]
"""OpenAI's words for how urgent a request is."""
_URGENCY: dict[ServiceTier, Priority] = {
    "flex": "low",
    "scale": "high",
    "priority": "high",
    "fast": "high",
}
_WORDS: dict[Priority, ServiceTier] = {"low": "flex", "normal": "default", "high": "priority"}


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FunctionDefinition(_Wire):
    """A client's function. `strict` changes nothing: every call is validated."""

    name: Annotated[str, Field(min_length=1)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(_Wire):
    """A client's tool."""

    type: Literal["function"]
    function: FunctionDefinition

    def spec(self) -> ToolSpec:
        """The tool as the registry describes its own."""
        function = self.function
        return ToolSpec(
            name=function.name,
            description=function.description or "",
            parameters=_NO_PARAMETERS if function.parameters is None else function.parameters,
        )


class FunctionName(_Wire):
    """The function that a choice names."""

    name: Annotated[str, Field(min_length=1)]


class NamedChoice(_Wire):
    """A `tool_choice` that forces one tool."""

    type: Literal["function"]
    function: FunctionName


class JSONSchemaFormat(_Wire):
    """The schema of a structured answer."""

    name: str
    description: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class ResponseFormat(_Wire):
    """What form an answer has to have."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JSONSchemaFormat | None = None


class StreamOptions(_Wire):
    """How to stream. Obfuscation is never added."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ContextWish(_Wire):
    """What is to happen when a conversation does not fit; what is left out is the operator's."""

    strategy: ContextStrategy | None = None
    keep_last_turns: Annotated[int, Field(ge=1)] | None = None


DryWish = bool | Literal["all"]
"""Whether calls are only told: those that change something, or all."""


class GatewayOptions(_Wire):
    """The extension object `gateway`. A request may tighten the operator's limits, not widen them.

    `extract: code` adds the answer's fenced code blocks to its own `gateway` object. With `dry_run` calls that
    are not read-only are told and not made; with `all` none is made.
    """

    tools: list[str] | None = None
    max_steps: Annotated[int, Field(ge=1)] | None = None
    max_tool_calls: Annotated[int, Field(ge=1)] | None = None
    deadline_ms: Annotated[int, Field(ge=1)] | None = None
    max_cost_usd: Annotated[float, Field(ge=0)] | None = None
    escalation: EscalationMode = "auto"
    priority: Priority | None = None
    extract: Literal["code"] | None = None
    context: ContextWish | None = None
    dry_run: DryWish = False


NO_WISHES = GatewayOptions()
"""What a request without the extension object asks for."""


class ChatRequest(_Wire):
    """The body of `POST /v1/chat/completions`."""

    model: str
    messages: Annotated[list[Any], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: Literal["auto", "none", "required"] | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    gateway: GatewayOptions | None = None
    service_tier: ServiceTier | None = None
    # understood, and refused unless they ask for what happens anyway
    n: int | None = None
    logit_bias: dict[str, float] | None = None
    modalities: list[str] | None = None
    # accepted, without effect on the answer
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None

    @property
    def include_usage(self) -> bool:
        """Whether a stream ends with a chunk that tells the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)


def parse_chat(body: Mapping[str, object]) -> ChatRequest:
    """Check a body's form. Raises `ApiError` 400 that names the first parameter at fault."""
    try:
        request = ChatRequest.model_validate(body)
    except ValidationError as error:
        raise refusal(error) from error
    _refuse_unsupported(request)
    return request


def run_request(
    chat: ChatRequest,
    messages: tuple[ChatMessage, ...],
    *,
    operator: Limits,
    context: ContextOptions,
    caller: Principal,
    priorities: Priorities,
) -> RunRequest:
    """The run that a chat request asks for, over its canonical messages."""
    options = chat.gateway or NO_WISHES
    return RunRequest(
        messages=messages,
        client_tools=tuple(tool.spec() for tool in chat.tools or ()),
        tool_globs=None if options.tools is None else tuple(options.tools),
        tool_choice=_choice(chat),
        parallel_tool_calls=chat.parallel_tool_calls is not False,
        sampling=_sampling(chat),
        output_schema=_output_schema(chat.response_format),
        role=cast("Role", chat.model),
        limits=tightened(operator, options),
        escalation=options.escalation,
        logprobs=bool(chat.logprobs),
        top_logprobs=chat.top_logprobs or 0,
        extract_code=options.extract == "code",
        context=wished_context(context, options),
        tenant=caller.tenant,
        key=caller.key,
        caller_role=caller.role,
        priority=granted(priorities, chat.service_tier, options, caller),
    )


def granted(
    priorities: Priorities,
    service_tier: ServiceTier | None,
    options: GatewayOptions,
    caller: Principal,
) -> Priority:
    """How urgent a request is: by `gateway.priority`, else by OpenAI's word, as far as its key may."""
    wished = options.priority or (_URGENCY.get(service_tier) if service_tier else None)
    return priorities.granted(wished, caller.tenant, caller.key)


def service_tier(priority: Priority) -> ServiceTier:
    """OpenAI's word for the priority that was granted."""
    return _WORDS[priority]


def tightened(operator: Limits, options: GatewayOptions) -> Limits:
    """The operator's limits, or the request's where those are tighter."""
    if not options.model_fields_set:
        return operator
    costs = [c for c in (operator.max_cost_usd, options.max_cost_usd) if c is not None]
    calls = [c for c in (operator.max_tool_calls, options.max_tool_calls) if c is not None]
    wished_s = operator.deadline_s if options.deadline_ms is None else options.deadline_ms / 1000
    return Limits(
        max_steps=min(operator.max_steps, options.max_steps or operator.max_steps),
        deadline_s=min(operator.deadline_s, wished_s),
        max_cost_usd=min(costs) if costs else None,
        max_calls_per_turn=operator.max_calls_per_turn,
        max_tool_calls=min(calls) if calls else None,
        max_repetition=operator.max_repetition,
        approval_s=operator.approval_s,
        dry=operator.dry.widened(dry_run(options.dry_run)),
    )


def dry_run(wish: DryWish) -> DryRun:
    """Which calls a request wishes not to be made."""
    if wish == "all":
        return DryRun("all")
    return DryRun("writes") if wish else REAL


def wished_context(operator: ContextOptions, options: GatewayOptions) -> ContextOptions:
    """What happens when a conversation does not fit: the request's wish, else the operator's."""
    wish = options.context
    if wish is None:
        return operator
    return ContextOptions(
        strategy=wish.strategy or operator.strategy,
        keep_last_turns=wish.keep_last_turns or operator.keep_last_turns,
    )


def refusal(error: ValidationError) -> ApiError:
    """Pydantic's first complaint in the surface's shape, its place spelled as `tools[0].function`."""
    first = min(error.errors(include_url=False, include_input=False), key=_specificity)
    param = _path(first["loc"])
    if first["type"] == "extra_forbidden":
        return ApiError(400, f"unknown parameter: {param}", param=param, code="unknown_parameter")
    if first["type"] == "missing":
        return ApiError(400, f"missing parameter: {param}", param=param, code="missing_parameter")
    said = f"{param}: {first['msg']}" if param else first["msg"]
    return ApiError(400, said, param=param or None, code="invalid_value")


def _specificity(error: ErrorDetails) -> int:
    """Of several complaints about a union, the deepest is about the member that was meant."""
    return -len(error["loc"])


_LONGEST_PATH = 200
"""Characters of a path that an error repeats: the names in it are the client's own."""
_UNION_MEMBERS = frozenset(
    {
        "NamedChoice",
        "str",
        "literal['auto','none','required']",
        "list[str]",
        "bool",
        "literal['all']",
    }
)
"""Names of union members in pydantic's locations: they are no part of the client's path."""


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part not in _UNION_MEMBERS and not part.startswith("constrained-"):
            path += f".{part}" if path else part
    return path[:_LONGEST_PATH]


def _refuse_unsupported(chat: ChatRequest) -> None:
    if chat.n not in (None, 1):
        raise ApiError(400, "only n = 1 is supported", param="n", code="unsupported")
    if chat.top_logprobs and not chat.logprobs:
        problem = "top_logprobs needs logprobs: true"
        raise ApiError(400, problem, param="top_logprobs", code="invalid_value")
    if chat.logit_bias:
        problem = "logit_bias is not supported: token ids differ between the models behind"
        raise ApiError(400, problem, param="logit_bias", code="unsupported")
    if chat.modalities not in (None, ["text"]):
        raise ApiError(400, "only text is supported", param="modalities", code="unsupported")
    if chat.response_format and chat.response_format.type == "json_schema":
        declared = chat.response_format.json_schema
        if declared is None or declared.schema_ is None:
            where = "response_format.json_schema.schema"
            raise ApiError(
                400, f"missing parameter: {where}", param=where, code="missing_parameter"
            )


def _choice(chat: ChatRequest) -> ToolChoice:
    match chat.tool_choice:
        case NamedChoice(function=function):
            return NamedTool(function.name)
        case None:
            return "auto"
        case mode:
            return mode


def _sampling(chat: ChatRequest) -> Sampling:
    stop = chat.stop
    return Sampling(
        temperature=chat.temperature,
        top_p=chat.top_p,
        max_tokens=chat.max_completion_tokens or chat.max_tokens,
        stop=() if stop is None else (stop,) if isinstance(stop, str) else tuple(stop),
        seed=chat.seed,
        frequency_penalty=chat.frequency_penalty,
        presence_penalty=chat.presence_penalty,
    )


def _output_schema(wanted: ResponseFormat | None) -> Mapping[str, Any] | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object" or wanted.json_schema is None:
        return {"type": "object"}
    return wanted.json_schema.schema_
