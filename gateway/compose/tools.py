"""The tools that the settings name, into a registry."""

from __future__ import annotations

import importlib
import logging
import sqlite3
import sys
from contextlib import AbstractAsyncContextManager, ExitStack, closing
from dataclasses import astuple
from glob import glob
from pathlib import Path
from types import ModuleType

from gateway.compose.entry_points import register_entry_points
from gateway.compose.error import CompositionError
from gateway.compose.isolation import Isolating
from gateway.compose.mcp import build_mcp
from gateway.settings import OpenAPISettings, Settings
from tools.errors import RegistrationError
from tools.executor import Executor
from tools.executors.function import collect
from tools.executors.http import HttpExecutor
from tools.executors.http_session import HttpSessions
from tools.registration import build, read_manifest
from tools.registry import Registry
from tools.spec import ToolSpec
from tools.wrappers import Upstream

BUILTIN = "tools.builtin"
_log = logging.getLogger(__name__)


def register_tools(
    registry: Registry, settings: Settings, sessions: HttpSessions, opened: ExitStack
) -> tuple[AbstractAsyncContextManager[object], ...]:
    """Everything under `tools`. What has to be closed at the end goes into `opened`.

    Gives what has to run as long as the application does.
    """
    isolating = Isolating(settings.tools.isolate)
    own = _register_modules(registry, settings, opened, isolating)
    own += register_entry_points(registry, settings.tools.entry_points, isolating)
    isolating.finish(own)
    _register_manifests(registry, settings, sessions)
    for api in settings.tools.openapi:
        _register_openapi(registry, settings, api, sessions)
    return (build_mcp(registry, settings),) if settings.tools.mcp else ()


def _register_modules(
    registry: Registry, settings: Settings, opened: ExitStack, isolating: Isolating
) -> list[str]:
    """Gives the names of those that are not built in."""
    own: list[str] = []
    for name in settings.tools.python:
        if name == BUILTIN:
            pairs = _builtin(settings.tools.notes_path, opened)
        else:
            try:
                pairs = collect(_module(name))
            except RegistrationError as error:
                raise CompositionError(f"tools.python: {name}: {error}") from error
            if not pairs:
                raise CompositionError(
                    f"tools.python: the module {name} has no function marked with @tool",
                    "from tools.executors.function import tool",
                )
            pairs = [isolating.apply(*pair) for pair in pairs]
            own += [spec.name for spec, _ in pairs]
        for spec, executor in pairs:
            _register(registry, spec, executor, f"tools.python: {name}: {spec.name}")
    return own


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


def _register_openapi(
    registry: Registry, settings: Settings, api: OpenAPISettings, sessions: HttpSessions
) -> None:
    """Its operations as tools; those that can't be are logged with the reason, and spoil nothing else."""
    from tools.openapi.importing import import_document, register
    from tools.openapi.operations import OperationTool, Source
    from tools.openapi.reading import read_source

    allow_private = settings.tools.http.allow_private
    upstream = Upstream(
        api.name, max_concurrent=api.max_concurrent, max_per_minute=api.max_per_minute
    )

    def add(tool: OperationTool) -> None:
        executor = HttpExecutor(
            tool.template, sessions, timeout_s=api.timeout_s, allow_private=allow_private
        )
        registry.register(tool.spec, executor, upstream=upstream)

    source = Source(
        api.spec,
        str(api.base_url) if api.base_url else None,
        include=api.include,
        exclude=api.exclude,
        prefix=api.prefix,
        auth=api.auth,
        effects=api.effects,
        timeout_s=api.timeout_s,
        cache_s=api.cache_s,
    )
    try:
        document = read_source(api.spec, allow_private=allow_private)
        added, refused = register(import_document(document, source), add)
    except RegistrationError as error:
        raise CompositionError(f"tools.openapi: {api.name}: {api.spec}: {error}") from error
    for each in refused:
        _log.warning("tools.openapi: %s: %s is no tool: %s: %s", api.name, *astuple(each))
    if not added:
        raise CompositionError(
            f"tools.openapi: {api.name}: {api.spec}: no operation became a tool",
            f"gateway tools preview {api.spec} tells why",
        )


def _register(registry: Registry, spec: ToolSpec, executor: Executor, where: str) -> None:
    try:
        registry.register(spec, executor)
    except RegistrationError as error:
        raise CompositionError(f"{where}: {error}") from error
