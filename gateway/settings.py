"""What an operator may set: the only reader of the environment and of configuration files.

One YAML file (`--config`, else `GATEWAY_CONFIG`, else `./gateway.yaml`, else the defaults), frozen and
typed. Unknown keys are refused with the nearest known name. `${NAME}` is filled from the environment,
and `GATEWAY__A__B` overrides the key `a.b`. Relative paths are relative to the file that names them.
Without a file: the embedded model, the built-in tools, no expert, no authentication, loopback only, and
a SQLite file under `var/`.

Whatever is wrong is raised as one `SettingsError` that lists every problem with its key and its line.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast, get_args

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from gateway.settings_document import Document, KeyPath, SettingsError, dotted, read_document
from gateway.storage.location import without_password
from routing.escalation import STRATEGIES

__all__ = ["ModelSettings", "Settings", "SettingsError", "json_schema", "load_settings"]

EMBEDDED_MODEL = Path(__file__).resolve().parents[1] / "models" / "nano" / "nano.gguf"
"""The weights that come with the repository."""

_SQLITE = "sqlite:///"

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class _Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )


def _not_in_this_version(what: str, instead: str) -> PydanticCustomError:
    return PydanticCustomError(
        "unsupported",
        "{what} is not in this version; {instead}",
        {"what": what, "instead": instead},
    )


class Timeouts(_Section):
    """How long a backend waits, in seconds; a run's own deadline bounds them all."""

    connect_s: Seconds = 5.0
    """For a connection."""
    idle_s: Seconds = 60.0
    """For each next piece of an answer; the first one includes queueing and reading the prompt."""


class Price(_Section):
    """US dollars a million tokens; what `limits.max_cost_usd` and every receipt are reckoned by."""

    input_per_million: Annotated[float, Field(ge=0)]
    """Of prompts."""
    output_per_million: Annotated[float, Field(ge=0)]
    """Of answers."""


class LlamaCppSettings(_Section):
    """How much the engine in this process may take; for `backend: llamacpp` only."""

    threads: Annotated[int, Field(ge=1, le=256)] = 1
    """Threads of the engine."""
    slots: Annotated[int, Field(ge=1, le=256)] = 4
    """Turns that run at once; further ones wait."""
    gpu_layers: Annotated[int, Field(ge=0)] = 0
    """Layers kept on a GPU; needs a build of xllamacpp with GPU support."""


class ModelSettings(_Section):
    """One model and the engine that serves it."""

    backend: Literal["vllm", "llamacpp", "litellm"]
    """`vllm`: a vLLM server. `llamacpp`: a GGUF file in this process. `litellm`: any provider."""
    model: Annotated[str, Field(min_length=1)]
    """The name that the engine serves it under; for llamacpp the path of a GGUF file."""
    base_url: AnyHttpUrl | None = None
    """Where the engine listens, with `/v1`. Needed by vllm; for litellm null means the provider's."""
    api_key: SecretStr | None = None
    """Sent as a bearer token; never logged or shown. Empty counts as none."""
    context_tokens: Annotated[int, Field(gt=0)] | None = None
    """The model's window, prompt and answer. Null: what the backend takes for granted."""
    grammar: bool = True
    """Whether calls are generated under the gateway's own grammar, where the backend is able to."""
    images: bool = False
    """Whether the model reads images; otherwise messages with images are refused. Not for llamacpp."""
    fold_history: bool = False
    """Earlier turns inside the last user message: the prompt's beginning stays cached. For llamacpp."""
    timeouts: Timeouts = Timeouts()
    price: Price | None = None
    """Null: what LiteLLM's table says for its models; other backends cost nothing a token."""
    llamacpp: LlamaCppSettings = LlamaCppSettings()

    @field_validator("api_key", mode="after")
    @classmethod
    def _empty_is_none(cls, key: SecretStr | None) -> SecretStr | None:
        return key if key is not None and key.get_secret_value() else None

    @model_validator(mode="after")
    def _fits_its_backend(self) -> Self:
        if self.backend == "vllm" and self.base_url is None:
            raise PydanticCustomError(
                "missing_base_url",
                "the backend vllm needs `base_url`, such as http://127.0.0.1:8000/v1",
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
        if self.backend != "llamacpp" and self.fold_history:
            raise PydanticCustomError(
                "not_folded",
                "`fold_history` is for llamacpp, whose prompts are made here; other engines get "
                "messages and make the prompt themselves",
            )
        return self


class ModelsSettings(_Section):
    """The two roles. `intermediary` answers; `expert` is lent single decisions."""

    intermediary: ModelSettings = ModelSettings(backend="llamacpp", model=str(EMBEDDED_MODEL))
    expert: ModelSettings | None = None
    """Null: nothing is escalated, and answers say what they could not do."""


class HTTPToolsSettings(_Section):
    """For tools that are reached over HTTP."""

    allow_private: bool = False
    """Whether their URLs may lead to loopback, private and link-local addresses."""


class ToolsSettings(_Section):
    """Where tools come from."""

    python: tuple[str, ...] = ("tools.builtin",)
    """Modules with `@tool` functions; `tools.builtin` are the ones that ship."""
    manifests: tuple[str, ...] = ()
    """YAML or JSON files of HTTP tools, as registered over REST; `*` and `**` are allowed."""
    openapi: tuple[dict[str, Any], ...] = ()
    """Not in this version."""
    mcp: tuple[dict[str, Any], ...] = ()
    """Not in this version."""
    notes_path: Path = Path("var/notes.db")
    """The SQLite file of the built-in notes."""
    http: HTTPToolsSettings = HTTPToolsSettings()

    @field_validator("openapi", "mcp", mode="after")
    @classmethod
    def _unsupported(cls, entries: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        if entries:
            raise _not_in_this_version(
                "this source of tools", "remove it, and register HTTP tools with `manifests`"
            )
        return entries


class LimitsSettings(_Section):
    """Bounds of every run; a request may only ask for less."""

    max_steps: Annotated[int, Field(ge=1, le=100)] = 12
    """Model turns; the last one is made to answer."""
    deadline_s: Seconds = 120.0
    """For the whole run: model turns, tools and escalations, in seconds."""
    max_cost_usd: Annotated[float, Field(ge=0)] | None = None
    """For the whole run, in US dollars; null: no bound."""
    max_calls_per_turn: Annotated[int, Field(ge=1, le=128)] = 16
    """Further ones in a turn are dropped, and the model is told."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    """Of a request; a larger one is answered with 413."""


class PoliciesSettings(_Section):
    """The operator's rules over requests, calls, results and answers."""

    file: Path | None = None
    """YAML with a list of `rules`; null: policies/default.yaml, which allows every registered tool."""


class EscalationSettings(_Section):
    """When a decision is lent to the expert."""

    strategies: tuple[str, ...] | None = None
    """Names, any of which suffices; null: all that ship."""

    @field_validator("strategies", mode="after")
    @classmethod
    def _known(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            if name not in STRATEGIES:
                near = get_close_matches(name, STRATEGIES, n=1, cutoff=0.5) or [
                    ", ".join(STRATEGIES)
                ]
                raise PydanticCustomError(
                    "unknown_strategy",
                    "there is no strategy `{name}`; known and near: {near}",
                    {"name": name, "near": near[0]},
                )
        if names == ():
            raise PydanticCustomError(
                "no_strategy",
                "an empty list would never escalate; for that, leave `models.expert` out",
            )
        return names


class StorageSettings(_Section):
    """Where runs, stored responses and conversations are kept, and how much of them.

    The bounds hold for each tenant, with `memory:` for all together. What is oldest goes first.
    """

    url: Annotated[str, Field(repr=False)] = "sqlite:///var/gateway.db"
    """`sqlite:///FILE` (`sqlite:////FILE` for an absolute path), `postgresql://USER:PASSWORD@HOST/DATABASE`
    with the extra `postgresql`, or `memory:`, which forgets when the process ends."""
    max_runs: Annotated[int, Field(ge=1)] = 10_000
    """Runs, with their traces."""
    max_age_s: Annotated[float, Field(gt=0)] = 7 * 86_400.0
    """For a run after its end, in seconds."""
    max_responses: Annotated[int, Field(ge=1)] = 10_000
    """Stored responses; they go by chain."""
    max_conversations: Annotated[int, Field(ge=1)] = 10_000
    """Conversations; they go with all their items."""
    max_idle_s: Annotated[float, Field(gt=0)] = 30 * 86_400.0
    """For a chain of responses, and for a conversation, after it was last used, in seconds."""
    max_megabytes: Annotated[int, Field(ge=1)] = 256
    """Text of all runs, of all responses, and of all conversations: for each of the three."""

    @field_validator("url", mode="after")
    @classmethod
    def _known(cls, url: str) -> str:
        file = url.removeprefix(_SQLITE)
        if url in {"memory:", "sqlite:///:memory:"}:
            return "memory:"
        if (file != url and file) or url.startswith("postgresql://"):
            return url
        # Never the value itself: it may hold a password.
        raise PydanticCustomError(
            "unknown_storage",
            "is neither sqlite:///FILE nor postgresql://USER:PASSWORD@HOST/DATABASE nor memory:",
        )

    @field_serializer("url")
    def _without_its_password(self, url: str) -> str:
        return without_password(url)


class AuthSettings(_Section):
    """Who may call. Without authentication the gateway listens on loopback only."""

    enabled: bool = False
    """Only false in this version."""

    @field_validator("enabled", mode="after")
    @classmethod
    def _unsupported(cls, enabled: bool) -> bool:  # noqa: FBT001 - pydantic's signature
        if enabled:
            raise _not_in_this_version(
                "authentication",
                "set it to false and keep the gateway on loopback or behind a proxy",
            )
        return enabled


class ServerSettings(_Section):
    """Where the gateway listens. `--host`, `--port` and `--workers` go first."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Another than a loopback address also needs the flag `--insecure-no-auth`."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """0: any free port."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes. Each has its own registry of tools; with `storage.url: memory:`, its own runs too."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


class TelemetrySettings(_Section):
    """What can be seen of the gateway from outside."""

    metrics: bool = True
    """Whether `GET /metrics` tells Prometheus about runs, models and tools."""
    max_tools: Annotated[int, Field(ge=0, le=1000)] = 100
    """Registered tools with a label of their own in metrics; further ones are counted as `other`."""
    otlp_endpoint: AnyHttpUrl | None = None
    """Where traces go: a collector's OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces. Needs the
    extra `otel`. Null: no traces."""
    trace_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The share of runs that is traced; a client that sends a `traceparent` decides for its own."""
    trace_content: bool = False
    """Whether traces hold messages, arguments and results. They may be confidential."""
    logs: Literal["text", "json"] = "text"
    """`json`: one object a line, with the ids of run and trace."""


class Settings(_Section):
    """Everything that can be set."""

    models: ModelsSettings = ModelsSettings()
    tools: ToolsSettings = ToolsSettings()
    limits: LimitsSettings = LimitsSettings()
    escalation: EscalationSettings = EscalationSettings()
    policies: PoliciesSettings = PoliciesSettings()
    storage: StorageSettings = StorageSettings()
    auth: AuthSettings = AuthSettings()
    server: ServerSettings = ServerSettings()
    telemetry: TelemetrySettings = TelemetrySettings()


def load_settings(
    path: Path | None = None, *, environ: Mapping[str, str] | None = None
) -> Settings:
    """Reads the file and the environment (`environ`: another one than the process's).

    Raises `SettingsError`.
    """
    environ = os.environ if environ is None else environ
    if path is None:
        path = _find(environ)
    document = read_document(path, environ)
    _default_model(document.data)
    try:
        settings = Settings.model_validate(document.data)
    except ValidationError as error:
        raise SettingsError([_explain(detail, document) for detail in error.errors()]) from None
    return _anchored(settings, path.resolve().parent if path else Path.cwd())


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors and for the reference."""
    schema = Settings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "gateway configuration"
    # The default of the embedded model is a path of this machine: tell it as the repository has it.
    text = json.dumps(schema).replace(json.dumps(str(EMBEDDED_MODEL)), '"models/nano/nano.gguf"')
    return json.loads(text)


def _find(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get("GATEWAY_CONFIG"):
        return Path(named)
    beside = Path("gateway.yaml")
    return beside if beside.is_file() else None


def _default_model(data: dict[str, Any]) -> None:
    """Lets single keys of the embedded model be overridden without spelling it out."""
    models = data.get("models")
    if not isinstance(models, dict):
        return
    intermediary = cast("dict[str, Any]", models).get("intermediary")
    if (
        isinstance(intermediary, dict)
        and not {"backend", "model", "base_url"} & intermediary.keys()
    ):
        embedded = {"backend": "llamacpp", "model": str(EMBEDDED_MODEL)}
        cast("dict[str, Any]", intermediary).update(embedded)


def _anchored(settings: Settings, base: Path) -> Settings:
    def model(one: ModelSettings) -> ModelSettings:
        if one.backend != "llamacpp":
            return one
        return one.model_copy(update={"model": str(base / Path(one.model).expanduser())})

    models, tools = settings.models, settings.tools
    models = models.model_copy(
        update={
            "intermediary": model(models.intermediary),
            "expert": model(models.expert) if models.expert else None,
        }
    )
    tools = tools.model_copy(
        update={
            "notes_path": base / tools.notes_path.expanduser(),
            "manifests": tuple(str(base / Path(one).expanduser()) for one in tools.manifests),
        }
    )
    policies = settings.policies
    if policies.file is not None:
        policies = policies.model_copy(update={"file": base / policies.file.expanduser()})
    storage = settings.storage
    if storage.url.startswith(_SQLITE):
        file = base / Path(storage.url.removeprefix(_SQLITE)).expanduser()
        storage = storage.model_copy(update={"url": f"{_SQLITE}{file}"})
    return settings.model_copy(
        update={"models": models, "tools": tools, "policies": policies, "storage": storage}
    )


def _explain(detail: ErrorDetails, document: Document) -> str:
    path = tuple(detail["loc"])
    message = detail["msg"]
    if detail["type"] == "extra_forbidden":
        known = _known_keys(path[:-1])
        near = get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
        message = "unknown key; " + (
            f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(sorted(known))}"
        )
    elif detail["type"] == "missing":
        message = "is required"
    return f"{document.where(path)}: {dotted(path)}: {message[0].lower()}{message[1:]}"


def _known_keys(path: KeyPath) -> list[str]:
    section: Any = Settings
    for part in path:
        annotation = section.model_fields[part].annotation
        section = next(
            (one for one in (annotation, *get_args(annotation)) if hasattr(one, "model_fields")),
            None,
        )
        if section is None:
            return []
    return list(section.model_fields)
