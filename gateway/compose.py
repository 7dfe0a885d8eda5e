"""The composition root: settings in, services out. Names every concrete backend and source of tools.

To add a backend or a kind of tool, write it behind its seam and name it here. Modules that are slow to
import, or that an installation may lack, are imported when the settings ask for them.

Raises `CompositionError` for what is configured and can't be had.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from glob import glob
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from gateway.agent.loop import AgentLoop
from gateway.agent.run import Limits
from gateway.services import Services
from gateway.settings import (
    ModelSettings,
    Settings,
    SettingsError,
    StorageSettings,
    load_settings,
)
from gateway.storage.conversations import ConversationStore
from gateway.storage.errors import StorageRefused
from gateway.storage.memory import MemoryRunStore
from gateway.storage.memory_conversations import MemoryConversationStore
from gateway.storage.memory_responses import MemoryResponseStore
from gateway.storage.responses import ResponseStore
from gateway.storage.retention import Retention
from gateway.storage.runs import RunStore
from policies.loader import DEFAULT, PolicyError, load
from policies.policy import Policies
from routing.backend import ModelBackend
from routing.backends.openai_http import HttpTimeouts
from routing.escalation import any_of
from routing.router import Member, Price, Router, free
from routing.unconstrained import Unconstrained
from tools.errors import RegistrationError
from tools.executor import Executor
from tools.executors.function import collect
from tools.executors.http_session import HttpSessions
from tools.registration import build, read_manifest
from tools.registry import Registry
from tools.spec import ToolSpec
from tools.wrappers import standard_wrappers

if TYPE_CHECKING:
    from fastapi import FastAPI

    from gateway.telemetry.telemetry import Telemetry
    from routing.backends.litellm import LiteLLMBackend
    from routing.backends.llamacpp import LlamaCppBackend
    from routing.backends.vllm import VllmBackend

BUILTIN = "tools.builtin"


class CompositionError(SettingsError):
    """What is configured can't be had. The text is for people; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__([message])
        self.hint = hint


def application() -> FastAPI:
    """The application of a server process, configured by file and environment."""
    settings = load_settings()
    if settings.telemetry.logs == "json":
        from gateway.telemetry.logs import log_json

        log_json()
    made = build_application(build_services(settings))
    # What exists now lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    return made


def build_application(services: Services) -> FastAPI:
    """The REST surface over `services`."""
    from gateway.app import create_app

    return create_app(services)


def build_services(settings: Settings) -> Services:
    """Everything that a gateway consists of. Connections are opened when they are first used."""
    registry, sessions = Registry(), HttpSessions()
    with ExitStack() as opened:
        stores = _stores(settings.storage)
        _register_modules(registry, settings, opened)
        _register_manifests(registry, settings, sessions)
        router, policies = build_router(settings), _policies(settings)
        loop = AgentLoop(router, registry, policies)
        models = {role: member.backend for role, member in router.members.items()}
        telemetry = _telemetry(settings, models, registry)
        limits = settings.limits
        return Services(
            loop=telemetry.watched(loop),
            registry=registry,
            models=models,
            store=stores.runs,
            responses=stores.responses,
            conversations=stores.conversations,
            policies=policies,
            limits=Limits(
                max_steps=limits.max_steps,
                deadline_s=limits.deadline_s,
                max_cost_usd=limits.max_cost_usd,
                max_calls_per_turn=limits.max_calls_per_turn,
            ),
            http=sessions,
            allow_private=settings.tools.http.allow_private,
            max_body_bytes=limits.max_body_bytes,
            telemetry=telemetry,
            version=version("agentic-gateway"),
            closers=(
                loop.aclose,
                *telemetry.closers,
                partial(asyncio.to_thread, opened.pop_all().close),
            ),
        )


def build_router(settings: Settings) -> Router:
    """The models in their roles with their prices, and the strategies of escalation."""
    expert, names = settings.models.expert, settings.escalation.strategies
    return Router(
        _member("intermediary", settings.models.intermediary),
        _member("expert", expert) if expert else None,
        any_of() if names is None else any_of(names),
    )


def _telemetry(
    settings: Settings, models: Mapping[str, ModelBackend], registry: Registry
) -> Telemetry:
    from gateway.telemetry.telemetry import Telemetry

    wanted, configured = settings.telemetry, settings.models
    roles = {"intermediary": configured.intermediary, "expert": configured.expert}
    metrics = tracing = None
    if wanted.metrics:
        from gateway.telemetry.metrics import RunMetrics

        metrics = RunMetrics(
            models={role: backend.model for role, backend in models.items()},
            known_tool=lambda name: name in registry.snapshot(),
            max_tools=wanted.max_tools,
            slots={
                role: model.llamacpp.slots
                for role, model in roles.items()
                if model is not None and model.backend == "llamacpp"
            },
        )
    if wanted.otlp_endpoint is not None:
        try:
            from gateway.telemetry.otlp import provider, provider_name
            from gateway.telemetry.tracing import Tracing

            sent = provider(str(wanted.otlp_endpoint), wanted.trace_share)
        except ImportError as error:
            raise CompositionError(
                "telemetry.otlp_endpoint: OpenTelemetry is not installed",
                "install the extra: uv sync --extra otel",
            ) from error
        tracing = Tracing(
            sent,
            {
                role: provider_name(model.backend, model.model)
                for role, model in roles.items()
                if model is not None
            },
            content=wanted.trace_content,
            version=version("agentic-gateway"),
        )
    return Telemetry(metrics, tracing)


class _Stores(NamedTuple):
    runs: RunStore
    responses: ResponseStore
    conversations: ConversationStore


def _stores(storage: StorageSettings) -> _Stores:
    """The stores; a database is made or upgraded first, and has to be there."""
    retention = Retention(
        max_runs=storage.max_runs,
        max_run_age_s=storage.max_age_s,
        max_responses=storage.max_responses,
        max_conversations=storage.max_conversations,
        max_idle_s=storage.max_idle_s,
        max_bytes=storage.max_megabytes * 1024 * 1024,
    )
    if storage.url == "memory:":
        return _memory_stores(retention)
    from gateway.storage.sql.migrate import prepare
    from gateway.storage.sql.stores import open_stores

    try:
        prepare(storage.url)
        return _Stores(*open_stores(storage.url, retention))
    except StorageRefused as error:
        raise CompositionError(str(error), error.hint) from error


def _memory_stores(retention: Retention) -> _Stores:
    runs = MemoryRunStore(
        max_runs=retention.max_runs,
        max_age_s=retention.max_run_age_s,
        max_characters=retention.max_bytes,
    )
    responses = MemoryResponseStore(
        max_responses=retention.max_responses,
        max_idle_s=retention.max_idle_s,
        max_characters=retention.max_bytes,
        forget_run=runs.forget,
    )
    conversations = MemoryConversationStore(
        max_conversations=retention.max_conversations,
        max_idle_s=retention.max_idle_s,
        max_characters=retention.max_bytes,
        forget_responses=responses.delete_of_conversation,
    )
    return _Stores(runs, responses, conversations)


def _policies(settings: Settings) -> Policies:
    try:
        return load(settings.policies.file or DEFAULT)
    except PolicyError as error:
        raise CompositionError(f"policies.file: {error}") from error


def _member(role: str, model: ModelSettings) -> Member:
    price = model.price and Price(model.price.input_per_million, model.price.output_per_million)
    match model.backend:
        case "vllm":
            member = Member(_vllm(role, model), price or free)
        case "llamacpp":
            member = Member(_llamacpp(role, model), price or free)
        case "litellm":
            backend = _litellm(role, model)
            member = Member(backend, price or backend.price_usd)
    return member if model.grammar else replace(member, backend=Unconstrained(member.backend))


def _vllm(role: str, model: ModelSettings) -> VllmBackend:
    from routing.backends.vllm import VllmBackend

    return VllmBackend(
        role,
        model.model,
        str(model.base_url),
        api_key=_secret(model),
        context_tokens=model.context_tokens,
        timeouts=HttpTimeouts(model.timeouts.connect_s, model.timeouts.idle_s),
        accepts_images=model.images,
    )


def _llamacpp(role: str, model: ModelSettings) -> LlamaCppBackend:
    from routing.backends.llamacpp import LlamaCppBackend

    build = partial(
        LlamaCppBackend,
        role,
        Path(model.model),
        threads=model.llamacpp.threads,
        slots=model.llamacpp.slots,
        gpu_layers=model.llamacpp.gpu_layers,
        stall_s=model.timeouts.idle_s,
        fold_history=model.fold_history,
    )
    return build(context_tokens=model.context_tokens) if model.context_tokens else build()


def _litellm(role: str, model: ModelSettings) -> LiteLLMBackend:
    from routing.backends.litellm import LiteLLMBackend

    return LiteLLMBackend(
        role,
        model.model,
        base_url=str(model.base_url) if model.base_url else None,
        api_key=_secret(model),
        context_tokens=model.context_tokens,
        timeouts=HttpTimeouts(model.timeouts.connect_s, model.timeouts.idle_s),
        accepts_images=model.images,
    )


def _secret(model: ModelSettings) -> str | None:
    return model.api_key.get_secret_value() if model.api_key else None


def _register_modules(registry: Registry, settings: Settings, opened: ExitStack) -> None:
    for name in settings.tools.python:
        if name == BUILTIN:
            pairs = _builtin(settings.tools.notes_path, opened)
        else:
            pairs = collect(_module(name))
            if not pairs:
                raise CompositionError(
                    f"tools.python: the module {name} has no function marked with @tool",
                    "from tools.executors.function import tool",
                )
        for spec, executor in pairs:
            _register(registry, spec, executor, f"tools.python: {name}: {spec.name}")


def _builtin(notes_path: Path, opened: ExitStack) -> list[tuple[ToolSpec, Executor]]:
    from tools import builtin
    from tools.builtin.notes import NotesStore

    try:
        notes = opened.enter_context(closing(NotesStore(notes_path)))
    except (OSError, sqlite3.Error) as error:
        raise CompositionError(
            f"tools.notes_path: {notes_path} can't be opened: {error}",
            "name a file that can be written, such as var/notes.db",
        ) from error
    return builtin.build(notes)


def _module(name: str) -> ModuleType:
    # Behind everything installed, so that a file in the working directory can't take a package's place.
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        return importlib.import_module(name)
    except (ImportError, RegistrationError) as error:
        raise CompositionError(
            f"tools.python: the module {name} can't be imported: {error}",
            f"put it into {here}, or install it into this environment: {sys.prefix}",
        ) from error


def _register_manifests(registry: Registry, settings: Settings, sessions: HttpSessions) -> None:
    allow_private = settings.tools.http.allow_private
    for pattern in settings.tools.manifests:
        files = sorted(Path(found) for found in glob(pattern, recursive=True))  # noqa: PTH207 - absolute
        if not files:
            raise CompositionError(f"tools.manifests: no file matches {pattern}")
        for file in files:
            try:
                for registration in read_manifest(file):
                    spec, executor = build(registration, sessions, allow_private=allow_private)
                    _register(registry, spec, executor, f"tools.manifests: {file}: {spec.name}")
            except RegistrationError as error:
                raise CompositionError(f"tools.manifests: {file}: {error}") from error


def _register(registry: Registry, spec: ToolSpec, executor: Executor, where: str) -> None:
    try:
        registry.register(spec, standard_wrappers(executor, spec))
    except RegistrationError as error:
        raise CompositionError(f"{where}: {error}") from error
