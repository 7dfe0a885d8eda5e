"""A tool registered over REST or from a manifest: pydantic at the edge, a spec and executor inside.

    {name, description, parameters, returns?,
     annotations: {read_only, idempotent, destructive, open_world},
     read_back?: {tool, arguments, after_s?, absent?}, resource?, result_tokens?,
     executor: {kind: http, method, url, headers?, timeout_s?, cache_s?}}

What it is: reading that document and building what the registry takes.
What it is not: the registry's own rules on names and schemas, which apply afterwards.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import parse_qsl, urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.errors import RegistrationError
from tools.executor import Executor
from tools.executors.http import HttpExecutor, environment_secrets
from tools.executors.http_session import HttpSessions
from tools.executors.http_template import EndpointTemplate, Method, Secrets
from tools.spec import Annotations, JSONObject, ReadBack, ToolSpec
from tools.wording import show

_SECRET_NAME = re.compile(
    r"(?i)(authorization|cookie|token|secret|password|signature|api[-_]?key|[-_]key)$"
)
"""Names of headers and of parameters under which secrets are sent."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hints(_Document):
    """What a call does, with MCP's four hints; the default is the cautious one."""

    read_only: bool = False
    idempotent: bool = False
    destructive: bool = False
    open_world: bool = False


class HttpKind(_Document):
    """An HTTP endpoint. `headers` may hold `${TOOL_…}` for secrets; `timeout_s` and `cache_s` in seconds."""

    kind: Literal["http"]
    method: Method
    url: Annotated[str, Field(max_length=2_000)]
    headers: Annotated[dict[str, str], Field(max_length=50)] = {}
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    cache_s: Annotated[float, Field(ge=0, le=86_400)] = 0.0


class ReadBackKind(_Document):
    """A read-only tool that tells whether a call took effect (`tools.spec.ReadBack`)."""

    tool: str
    arguments: JSONObject
    after_s: Annotated[float, Field(ge=0, le=3_600)] = 5.0
    absent: Annotated[str, Field(min_length=1, max_length=200)] = "HTTP 404"


class Registration(_Document):
    """One tool, as an author writes it down."""

    name: str
    description: Annotated[str, Field(max_length=10_000)]
    parameters: JSONObject
    returns: JSONObject | None = None
    annotations: Hints = Hints()
    read_back: ReadBackKind | None = None
    resource: Annotated[str, Field(max_length=500)] | None = None
    result_tokens: Annotated[int, Field(ge=64, le=1_000_000)] | None = None
    executor: HttpKind

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


def read_manifest(path: Path) -> list[Registration]:
    """The registrations in a YAML file: one document, a list of them, or several with `---`.

    Raises `RegistrationError` whose `where` begins with the file's name.
    """
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise RegistrationError(path.name, f"can't be read: {error}") from error
    flat: list[Any] = []
    for document in documents:
        flat.extend(cast("list[Any]", document) if isinstance(document, list) else [document])
    found: list[Registration] = []
    for index, document in enumerate(flat):
        try:
            found.append(read_registration(document))
        except RegistrationError as error:
            raise RegistrationError(
                f"{path.name}[{index}]{error.where.removeprefix('$')}", error.why
            ) from error
    return found


def _path(location: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
