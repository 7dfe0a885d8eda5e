"""The composition root: settings in, services out. Names every concrete backend and source of tools.

To add a backend or a kind of tool, write it behind its seam and name it here. Modules that are slow to
import, or that an installation may lack, are imported when the settings ask for them.

Raises `CompositionError` for what is configured and can't be had.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from glob import glob
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from gateway.agent.loop import AgentLoop
from gateway.agent.run import Limits
from gateway.services import Services
from gateway.settings import ModelSettings, Settings, load_settings
from gateway.storage.memory import MemoryRunStore
from policies.loader import DEFAULT, PolicyError, load
from policies.policy import Policies
from routing.backend import ModelBackend
from routing.escalation import any_of
from routing.router import Member, Price, Router
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

BUILTIN = "tools.builtin"
Closer = Callable[[], Awaitable[object]]


class CompositionError(Exception):
    """What is configured can't be had. The text is for people; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def application() -> FastAPI:
    """The application of a server process, configured by file and environment."""
    made = build_application(build_services(load_settings()))
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
    registry = Registry()
    sessions = HttpSessions()
    closers = _register_modules(registry, settings)
    _register_manifests(registry, settings, sessions)
    router = build_router(settings)
    policies = _policies(settings)
    loop = AgentLoop(router, registry, policies)
    limits = settings.limits
    return Services(
        loop=loop,
        registry=registry,
        models={role: member.backend for role, member in router.members.items()},
        store=MemoryRunStore(
            max_runs=settings.storage.max_runs, max_age_s=settings.storage.max_age_s
        ),
        policies=policies,
        limits=Limits(
            max_steps=limits.max_steps,
            deadline_s=limits.deadline_s,
            max_cost_usd=limits.max_cost_usd,
            max_calls_per_turn=limits.max_calls_per_turn,
        ),
        max_body_bytes=limits.max_body_bytes,
        version=version("agentic-gateway"),
        http=sessions,
        allow_private=settings.tools.http.allow_private,
        closers=(loop.aclose, *closers),
    )


def build_router(settings: Settings) -> Router:
    """The models in their roles with their prices, and the strategies of escalation."""
    expert, names = settings.models.expert, settings.escalation.strategies
    return Router(
        _member("intermediary", settings.models.intermediary),
        _member("expert", expert) if expert else None,
        any_of() if names is None else any_of(names),
    )


def _policies(settings: Settings) -> Policies:
    try:
        return load(settings.policies.file or DEFAULT)
    except PolicyError as error:
        raise CompositionError(f"policies.file: {error}") from error


def _member(role: str, model: ModelSettings) -> Member:
    price = Price(model.price.input_per_million, model.price.output_per_million)
    return Member(_BACKENDS[model.backend](role, model), price)


def _vllm(role: str, model: ModelSettings) -> ModelBackend:
    from routing.backends.openai_http import HttpTimeouts
    from routing.backends.vllm import VllmBackend

    return VllmBackend(
        role,
        model.model,
        str(model.base_url),
        api_key=_secret(model),
        context_tokens=model.context_tokens,
        timeouts=HttpTimeouts(model.timeouts.connect_s, model.timeouts.idle_s),
        constrain=model.grammar,
    )


def _llamacpp(role: str, model: ModelSettings) -> ModelBackend:
    from routing.backends.llamacpp import LlamaCppBackend

    return LlamaCppBackend(
        role,
        Path(model.model),
        threads=model.llamacpp.threads,
        slots=model.llamacpp.slots,
        gpu_layers=model.llamacpp.gpu_layers,
        stall_s=model.timeouts.idle_s,
        **_window(model),
    )


def _litellm(role: str, model: ModelSettings) -> ModelBackend:
    from routing.backends.litellm import LiteLLMBackend

    return LiteLLMBackend(role, model.model)


_BACKENDS: dict[str, Callable[[str, ModelSettings], ModelBackend]] = {
    "vllm": _vllm,
    "llamacpp": _llamacpp,
    "litellm": _litellm,
}


def _secret(model: ModelSettings) -> str | None:
    return model.api_key.get_secret_value() if model.api_key else None


def _window(model: ModelSettings) -> dict[str, int]:
    return {} if model.context_tokens is None else {"context_tokens": model.context_tokens}


def _register_modules(registry: Registry, settings: Settings) -> list[Closer]:
    """Gives what has to be closed at the end."""
    closers: list[Closer] = []
    for name in settings.tools.python:
        if name == BUILTIN:
            from tools import builtin
            from tools.builtin.notes import NotesStore

            notes = NotesStore(settings.tools.notes_path)
            closers.append(partial(asyncio.to_thread, notes.close))
            pairs = builtin.build(notes)
        else:
            pairs = collect(_module(name))
            if not pairs:
                raise CompositionError(
                    f"tools.python: the module {name} has no function marked with @tool",
                    "from tools.executors.function import tool",
                )
        for spec, executor in pairs:
            _register(registry, spec, executor, f"tools.python: {name}: {spec.name}")
    return closers


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
