"""A tool registered over REST or from a manifest: pydantic at the edge, a spec and executor inside.

    {name, description, parameters, returns?,
     annotations: {read_only, idempotent, destructive, open_world},
     read_back?: {tool, arguments, after_s?, absent?}, resource?, result_tokens?,
     max_concurrent?, max_per_minute?, breaker?: {failures?, pause_s?},
     executor: {kind: http, method, url, headers?, timeout_s?, cache_s?}}

What it is: reading that document and building what the registry takes.
What it is not: the registry's own rules on names and schemas, which apply afterwards, or a manifest's other kinds
(`gateway.manifests`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from tools.bounds import UpstreamBounds
from tools.declared import (
    BreakerKind,
    CacheS,
    Declaration,
    MaxConcurrent,
    MaxPerMinute,
    ReadBackKind,
    Resource,
    ResultTokens,
    TimeoutS,
)
from tools.errors import RegistrationError
from tools.executor import Executor
from tools.executors.http import HttpExecutor, environment_secrets
from tools.executors.http_session import HttpSessions
from tools.executors.http_template import EndpointTemplate, Method, Secrets
from tools.spec import Annotations, Effect, JSONObject, ReadBack, ToolSpec
from tools.wording import show
from tools.wrappers.upstream import Upstream

_SECRET_NAME = re.compile(
    r"(?i)(authorization|cookie|token|secret|password|signature|api[-_]?key|[-_]key)$"
)
"""Names of headers and of parameters under which secrets are sent."""
_BOUNDS = ("max_concurrent", "max_per_minute", "breaker")
"""What a registration says about the calls that reach its upstream."""


class Hints(Declaration):
    """What a call does, with MCP's four hints; the default is the cautious one."""

    read_only: bool = False
    """Changes nothing: may run beside others, be repeated and answered from memory."""
    idempotent: bool = False
    """The same call again changes nothing more."""
    destructive: bool = False
    """What it changes can't be had back."""
    open_world: bool = False
    """It reaches beyond what the gateway's operator controls."""


class HttpKind(Declaration):
    """An HTTP endpoint."""

    kind: Literal["http"]
    method: Method
    url: Annotated[str, Field(max_length=2_000)]
    """With `{argument}` in path and query. Other arguments go to the query (GET, HEAD, DELETE) or a JSON body."""
    headers: Annotated[Mapping[str, str], Field(max_length=50)] = {}
    """Sent with each request. `${TOOL_…}` stands for a secret of the gateway's environment."""
    timeout_s: TimeoutS = 30.0
    """For one attempt, in seconds."""
    cache_s: CacheS = 0.0
    """For how long a read is answered from memory, in seconds; 0: never."""


class Registration(Declaration):
    """One tool, as an author writes it down."""

    name: str
    """Letters, digits, `_` and `-`, 64 at most."""
    description: Annotated[str, Field(max_length=10_000)]
    """What it does and when to use it: models choose by it."""
    parameters: JSONObject
    """The arguments, an object: JSON Schema 2020-12. `"x-sensitive": true` marks a field that leaves masked."""
    returns: JSONObject | None = None
    """What comes back: JSON Schema 2020-12."""
    annotations: Hints = Hints()
    read_back: ReadBackKind | None = None
    """Settles a call of which nobody knows whether it took effect. See docs/effects.md."""
    resource: Resource | None = None
    """Calls with the same text, `{argument}`s filled in, run one after another."""
    result_tokens: ResultTokens | None = None
    """How many tokens of a result a model is shown. Null: as many as of others."""
    max_concurrent: MaxConcurrent | None = None
    """Calls that run at once, in each process of the gateway; further ones wait. Null: no bound."""
    max_per_minute: MaxPerMinute | None = None
    """Calls that begin in a minute, evenly spread, in each process. Null: no bound."""
    breaker: BreakerKind | None = None
    """When the upstream is left alone. Null: 30 s after five failures in a row."""
    executor: HttpKind

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without bounds that are not set: a definition keeps the hash that it had before there were any."""
        fields: dict[str, Any] = handler(self)
        unset = {name for name in _BOUNDS if fields.get(name) is None}
        return {name: value for name, value in fields.items() if name not in unset}

    def upstream(self) -> Upstream:
        """What bounds the calls of the tool, begun anew."""
        return Upstream(self.name, UpstreamBounds.of(self))

    def spec(self) -> ToolSpec:
        """The definition without its executor."""
        return ToolSpec(
            name=self.name,
            description=self.description,
            parameters=self.parameters,
            returns=self.returns,
            annotations=Annotations(**self.annotations.model_dump()),
            timeout_s=self.executor.timeout_s,
            cache_s=self.executor.cache_s,
            read_back=self.read_back and ReadBack(**self.read_back.model_dump()),
            resource=self.resource,
            result_tokens=self.result_tokens,
        )


def read_registration(document: Any) -> Registration:
    """Check a document's form. Raises `RegistrationError` that says where and why."""
    try:
        return Registration.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise RegistrationError(_path(first["loc"]), first["msg"]) from error


def build(
    registration: Registration,
    sessions: HttpSessions,
    *,
    secrets: Secrets = environment_secrets,
    allow_private: bool = False,
) -> tuple[ToolSpec, Executor]:
    """What the registry takes. Raises `RegistrationError`, also for a URL that needs what the schema lacks."""
    spec, kind = registration.spec(), registration.executor
    template = EndpointTemplate(kind.method, kind.url, kind.headers)
    _refuse_secrets(kind)
    if kind.cache_s > 0 and spec.effect is not Effect.READ:
        why = "only a read-only tool can be answered from memory: see $.annotations.read_only"
        raise RegistrationError("$.executor.cache_s", why)
    required = cast("list[Any]", spec.parameters.get("required") or [])
    for name in sorted(template.placeholders):
        if name not in required:
            raise RegistrationError(
                "$.executor.url",
                f"needs the argument {show(name)}: list it in $.parameters.required",
            )
    executor = HttpExecutor(
        template, sessions, secrets, timeout_s=kind.timeout_s, allow_private=allow_private
    )
    return spec, executor


def _refuse_secrets(kind: HttpKind) -> None:
    """Raises `RegistrationError` where a secret itself seems to stand in a definition, which is kept."""
    remedy = "a secret is not written here: put it into an environment variable TOOL_…"
    for name, value in kind.headers.items():
        if _SECRET_NAME.search(name) and value and "${" not in value:
            where = f"$.executor.headers['{name[:80]}']"
            raise RegistrationError(where, f"{remedy} of the gateway and write ${{TOOL_…}}")
    for name, value in parse_qsl(urlsplit(kind.url).query):
        if _SECRET_NAME.search(name) and "{" not in value:
            why = f"{remedy} and send it in a header; URLs are logged ({name[:80]})"
            raise RegistrationError("$.executor.url", why)


def _path(location: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
