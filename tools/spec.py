"""The values that travel between the registry, the loop and the executors.

What this is: frozen data. A tool's definition (`ToolSpec`), the verdict on a call that a model made
(`ValidCall | InvalidCall`), and what came of running it (`ToolResult`).
What it is not: behaviour. Checking lives in `tools.schema` and `tools.registry`, running in
`tools.executors`.

The call itself, as the model spelled it, is mistral-common's `ToolCall`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson
from mistral_common.protocol.instruct.tool_calls import Function, Tool

from tools.effect_names import EffectName
from tools.executors.isolation import Isolation

JSONObject = dict[str, Any]

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Effect(StrEnum):
    """What a call may do to the world; it decides order, retries, caching and approval."""

    READ = "read"
    """Changes nothing: may run in parallel, be retried, cached, and be cut short by `length`."""
    WRITE = "write"
    """Changes something: runs once, in order, with an idempotency key."""
    DESTROY = "destroy"
    """Changes something for good: like `WRITE`, and may need a person's approval."""


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Annotations:
    """A tool's declared behaviour, with MCP's four hints as names. The default is the cautious one."""

    read_only: bool = False
    idempotent: bool = False
    destructive: bool = False
    open_world: bool = False

    @property
    def effect(self) -> Effect:
        if self.read_only:
            return Effect.READ
        return Effect.DESTROY if self.destructive else Effect.WRITE


DECLARED: Mapping[EffectName, Annotations] = {
    "read": Annotations(read_only=True, idempotent=True, open_world=True),
    "idempotent_write": Annotations(idempotent=True, open_world=True),
    "write": Annotations(open_world=True),
    "destroy": Annotations(destructive=True, idempotent=True, open_world=True),
}


@dataclass(frozen=True, slots=True)
class ReadBack:
    """How to find out whether a call took effect, when nobody knows: a read-only tool to be asked.

    `arguments` are the read's: `$.name` stands for an argument of the call, `$key` for its idempotency
    key, anything else for itself. A result that is empty, null or false means not done, as does a
    failure whose message begins with `absent`; other failures say nothing. For `after_s` seconds after
    the call, the read may not show it yet.
    """

    tool: str
    arguments: Mapping[str, Any]
    after_s: float = 5.0
    absent: str = "HTTP 404"


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class ToolSpec:
    """One tool as its author declares it.

    `parameters` and `returns` are JSON Schema 2020-12; `parameters` describes an object.
    `timeout_s` bounds one attempt, in seconds. `cache_s` is for how many seconds a read may be answered
    from memory, to the same tenant; 0 never, and other tools never. `read_back` settles a call of which
    nobody knows whether it took effect. Calls with the same `resource` (a text with `{argument}`s) run
    one after another. `result_tokens` is how many tokens of a result a model is shown, None: as many as of
    others. `isolation`
    are the bounds of the process that runs each call, None where it is the gateway's own; how it is run here
    is no part of the definition. `version` and `digest`, the hash of the definition, are given by the registry.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    returns: Mapping[str, Any] | None = None
    annotations: Annotations = Annotations()  # noqa: RUF009 - frozen for pyright, which ruff can't see
    timeout_s: float = 30.0
    cache_s: float = 0.0
    read_back: ReadBack | None = None
    resource: str | None = None
    result_tokens: int | None = None
    isolation: Isolation | None = None
    version: int = 1
    digest: str = ""

    @property
    def effect(self) -> Effect:
        return self.annotations.effect

    def as_tool(self) -> Tool:
        """The definition in the form that models are shown."""
        return Tool(
            function=Function(
                name=self.name, description=self.description, parameters=dict(self.parameters)
            )
        )


class Problem(StrEnum):
    """Why a call can't be run. The loop counts and escalates by these."""

    UNKNOWN_TOOL = "unknown_tool"
    MALFORMED = "malformed"
    """The arguments are no JSON object, or JSON that no one may rely on (NaN, duplicate keys)."""
    TRUNCATED = "truncated"
    """The arguments end in the middle: the stream was cut, whatever its finish reason says."""
    SCHEMA = "schema"
    """JSON, but not what the tool's schema asks for."""
    TOO_LARGE = "too_large"
    """Beyond the bounds on size, depth or digits."""
    PLACEHOLDER = "placeholder"
    """A placeholder for a hidden value that stands for none: the model made it up."""


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class ValidCall:
    """A call that may be run: its tool exists and its arguments satisfy the tool's schema.

    `repairs` names each lossless change that was made on the way, for people and metrics, as in
    `("$.count: string '5' read as integer 5",)`. Empty when the model was right at once. `approval` is why a
    person would be asked first, for a call of a dry run, which nobody is asked about.
    """

    id: str
    tool: ToolSpec
    arguments: JSONObject
    repairs: tuple[str, ...] = ()
    approval: str | None = None

    @property
    def name(self) -> str:
        return self.tool.name

    def arguments_json(self) -> str:
        """The validated arguments as compact JSON, keys in the model's order."""
        try:
            return orjson.dumps(self.arguments).decode()
        except orjson.JSONEncodeError:  # an integer of more than 64 bits
            return _compact(self.arguments)


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class InvalidCall:
    """A call that must not be run, and what the model should be told so that it can mend it.

    `path` is a JSON path into the arguments (`$.items[2].price`), `$` when the whole is meant.
    `near` lists registered names close to an unknown one, best first.
    """

    id: str
    name: str
    raw_arguments: str
    problem: Problem
    message: str
    path: str = "$"
    near: tuple[str, ...] = ()


CheckedCall = ValidCall | InvalidCall


class Failure(StrEnum):
    """Why a tool's result is an error."""

    TOOL = "tool"
    """The tool ran and said no."""
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    """The tool could not be reached."""
    INVALID_CALL = "invalid_call"
    DENIED = "denied"
    CANCELLED = "cancelled"
    UNKNOWN_OUTCOME = "unknown_outcome"
    """A write may or may not have happened; it is never repeated blindly."""


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class ToolResult:
    """The observation that a call brought: what the model reads, always, failures too.

    `content` is text, JSON text where the tool returned structured data. `elapsed_s` covers every
    attempt, in seconds. `truncated_from` is the length in characters before a long result was cut. `dry`:
    the call was not made, and `content` tells what would have been sent.
    """

    call_id: str
    name: str
    content: str
    failure: Failure | None = None
    elapsed_s: float = 0.0
    attempts: int = 1
    truncated_from: int | None = None
    dry: bool = False

    @property
    def is_error(self) -> bool:
        return self.failure is not None
