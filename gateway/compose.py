"""The composition root: settings in, services out. Names every concrete backend and source of tools.

To add a backend or a kind of tool, write it behind its seam and name it here. Modules that are slow to
import, or that an installation may lack, are imported when the settings ask for them.

Raises `CompositionError` for what is configured and can't be had.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable
from glob import glob
from importlib.metadata import version
from pathlib import Path
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
from tools.executors.function import collect
from tools.registry import Registry

if TYPE_CHECKING:
    from fastapi import FastAPI

BUILTIN = "tools.builtin"


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
    _register_modules(registry, settings)
    _register_manifests(registry, settings)
    members = {"intermediary": _member("intermediary", settings.models.intermediary)}
    if settings.models.expert is not None:
        members["expert"] = _member("expert", settings.models.expert)
    names = settings.escalation.strategies
    router = Router(
        members["intermediary"],
        members.get("expert"),
        any_of() if names is None else any_of(names),
    )
    policies = _policies(settings)
    loop = AgentLoop(router, registry, policies)
    limits = settings.limits
    return Services(
        loop=loop,
        registry=registry,
        models={role: member.backend for role, member in members.items()},
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
        closers=(loop.aclose,),
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


def _register_modules(registry: Registry, settings: Settings) -> None:
    for name in settings.tools.python:
        if name == BUILTIN:
            from tools import builtin

            pairs = builtin.build(settings.tools.notes_path)
        else:
            pairs = collect(_module(name))
            if not pairs:
                raise CompositionError(
                    f"tools.python: the module {name} has no function marked with @tool",
                    "from tools.executors.function import tool",
                )
        for spec, executor in pairs:
            try:
                registry.register(spec, executor)
            except RegistrationError as error:
                raise CompositionError(f"tools.python: {name}: {spec.name}: {error}") from error


def _module(name: str) -> object:
    # Behind everything installed, so that a file in the working directory can't take a package's place.
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise CompositionError(
            f"tools.python: the module {name} can't be imported: {error}",
            f"put it into {here}, or install it into this environment: {sys.prefix}",
        ) from error


def _register_manifests(registry: Registry, settings: Settings) -> None:
    for pattern in settings.tools.manifests:
        files = sorted(glob(pattern, recursive=True))
        if not files:
            raise CompositionError(f"tools.manifests: no file matches {pattern}")
