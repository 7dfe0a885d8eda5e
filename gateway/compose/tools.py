"""The tools that the settings name, into a registry."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, closing
from dataclasses import astuple
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from gateway.compose.entry_points import register_entry_points
from gateway.compose.error import CompositionError
from gateway.compose.isolation import Isolating
from gateway.compose.mcp import build_mcp
from gateway.compose.modules import load_module, where_modules_are
from gateway.settings import McpSettings, OpenAPISettings, Settings
from tools.errors import RegistrationError
from tools.executor import Executor
from tools.executors.function import collect
from tools.executors.http_session import HttpSessions
from tools.registry import Registry
from tools.spec import ToolSpec

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
    found = _register_manifests(registry, settings, sessions, isolating)
    isolating.finish([*own, *found.functions])
    servers = [*settings.tools.mcp, *found.servers]
    for api in settings.tools.openapi:
        _register_openapi(registry, settings, api, sessions)
    return (build_mcp(registry, settings, servers),) if servers else ()


class _Found(NamedTuple):
    """Of what manifests hold, what others ask for; the rest is in the registry."""

    functions: Sequence[str] = ()
    servers: Sequence[McpSettings] = ()


def _register_manifests(
    registry: Registry, settings: Settings, sessions: HttpSessions, isolating: Isolating
) -> _Found:
    if not settings.tools.manifests:
        return _Found()
    from gateway.compose.manifests import register_manifests

    made = register_manifests(registry, settings, sessions, os.environ, isolating)
    for placed, each in made.refused:
        _log.warning("tools.manifests: %s: %s is no tool: %s: %s", placed.file, *astuple(each))
    functions = [each.name for each in made.tools if each.placed.entry.kind == "python"]
    return _Found(functions, [entry for _, entry in made.servers])


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
    try:
        return load_module(name)
    except (ImportError, RegistrationError) as error:
        raise CompositionError(
            f"tools.python: the module {name} can't be imported: {error}", where_modules_are()
        ) from error


def _register_openapi(
    registry: Registry, settings: Settings, api: OpenAPISettings, sessions: HttpSessions
) -> None:
    """Its operations as tools; those that can't be are logged with the reason, and spoil nothing else."""
    from gateway.compose.openapi import register_openapi
    from tools.openapi.reading import read_source

    allow_private = settings.tools.http.allow_private
    try:
        document = read_source(api.spec, allow_private=allow_private)
        added, refused = register_openapi(
            registry, api, document, sessions, allow_private=allow_private
        )
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
