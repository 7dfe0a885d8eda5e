"""`gateway doctor`: what is missing, and the command that mends it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import CommandError, Exit

if TYPE_CHECKING:
    from gateway.settings import ModelSettings, Settings

OLDEST, NEWEST = (3, 11), (3, 13)
_SYNC = "uv sync --locked --all-extras (or scripts/run, which does it)"
_READY_S = 60.0
_OVERFLOW = "overflow"
"""The role of the tier that takes over what can wait."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `mend` says what to do about it when it is not well."""

    what: str
    well: bool
    told: str
    mend: str = ""


def doctor(
    config: Annotated[Path | None, typer.Option(help="The configuration file (YAML).")] = None,
    port: Annotated[int | None, typer.Option(help="The port that is to be served.")] = None,
) -> None:
    """Look for what is missing; exit code 1 when something is."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    broken = 0
    for finding in examine(config, port):
        mark = "[green]ok[/]  " if finding.well else "[red]no[/]  "
        console.print(f"{mark} {finding.what:<14} {escape(finding.told)}")
        if not finding.well:
            broken += 1
            if finding.mend:
                console.print(f"     {'':<14} [bold]→ {escape(finding.mend)}[/]")
    if broken:
        raise typer.Exit(Exit.NO)


def examine(config: Path | None, port: int | None) -> Iterator[Finding]:
    """The findings one by one, cheap ones first; stops early at what all the rest depends on."""
    yield _python()
    from gateway.settings import SettingsError, load_settings

    try:
        settings = load_settings(config)
    except SettingsError as error:
        for problem in error.problems:
            yield Finding(
                "configuration", well=False, told=problem, mend="every key: gateway config schema"
            )
        return
    yield Finding("configuration", well=True, told="valid")
    packages = list(_packages(settings))
    files = list(_model_files(settings))
    yield from packages
    yield from files
    yield from _expert_key(settings)
    yield from _tiers(settings)
    yield _notes(settings)
    yield _port(settings.server.host, settings.server.port if port is None else port)
    if all(finding.well for finding in (*packages, *files)):
        yield from _parts(settings)


def _python() -> Finding:
    version = sys.version.split()[0]
    return Finding(
        "python",
        OLDEST <= sys.version_info[:2] <= NEWEST,
        f"{version} at {sys.executable}",
        "use Python 3.11, 3.12 or 3.13: PYTHON=/path/to/python3 scripts/run",
    )


def _models(settings: Settings) -> Iterator[tuple[str, ModelSettings]]:
    yield "intermediary", settings.models.intermediary
    if settings.models.expert is not None:
        yield "expert", settings.models.expert
    if settings.tiers.overflow is not None:
        yield _OVERFLOW, settings.tiers.overflow.model


_NEEDS = {"llamacpp": ("xllamacpp", "embedded"), "litellm": ("litellm", "expert")}


def _packages(settings: Settings) -> Iterator[Finding]:
    for role, model in _models(settings):
        if model.backend not in _NEEDS:
            continue
        package, extra = _NEEDS[model.backend]
        if find_spec(package) is None:
            told = f"{package} for {role} is not installed"
            install = f"uv sync --locked --inexact --extra {extra}"
            yield Finding("package", well=False, told=told, mend=install)
        elif package == "xllamacpp" and (problem := _import_problem(package)):
            libraries = "Debian, Ubuntu: apt-get install libgomp1 libstdc++6"
            yield Finding("package", well=False, told=f"{package}: {problem}", mend=libraries)
        else:
            yield Finding("package", well=True, told=f"{package} for {role} is installed")


def _import_problem(package: str) -> str:
    """Why a compiled package does not load, such as a library that a small container lacks."""
    try:
        import_module(package)
    except ImportError as error:
        return str(error)
    return ""


def _model_files(settings: Settings) -> Iterator[Finding]:
    for role, model in _models(settings):
        if model.backend == "llamacpp":
            file = Path(model.model)
            place = "tiers.overflow.model" if role == _OVERFLOW else f"models.{role}.model"
            size = f", {file.stat().st_size / 1e6:.1f} MB" if file.is_file() else " is missing"
            yield Finding(
                "model file",
                file.is_file(),
                f"{file}{size}",
                f"put a GGUF there, or name another in {place}; the embedded one is "
                "part of the repository: git checkout -- models/nano",
            )


def _expert_key(settings: Settings) -> Iterator[Finding]:
    expert = settings.models.expert
    if expert is None:
        yield Finding(
            "expert", well=True, told="none configured: what is too hard is said in the answer"
        )
    elif expert.backend == "litellm" and expert.api_key is None and expert.base_url is None:
        provider = expert.model.partition("/")[0].upper().replace("-", "_")
        variable = f"{provider}_API_KEY"
        given = bool(os.environ.get(variable))
        yield Finding(
            "expert key",
            given,
            f"{variable} is {'set' if given else 'not set, and models.expert.api_key is empty'}",
            f"export {variable}=…",
        )


def _tiers(settings: Settings) -> Iterator[Finding]:
    """Which tiers there are, when what can wait is moved, and what that is read from."""
    tiers, first = settings.tiers, settings.models.intermediary
    if (overflow := tiers.overflow) is None:
        return
    turns = "any number of" if tiers.turns is None else str(tiers.turns)
    told = (
        f"{tiers.name} ({first.backend}, {turns} turns at once), full at {tiers.full:.0%} or "
        f"{tiers.queue_s:g} s of queue; then what can wait goes to {overflow.name} "
        f"({overflow.model.backend})"
    )
    known = first.backend == "vllm" or tiers.turns is not None
    yield Finding(
        "tiers",
        known,
        told if known else f"{tiers.name} would never be full: {first.backend} tells no load",
        "set tiers.turns, the turns that it may take at once",
    )


def _notes(settings: Settings) -> Finding:
    path = settings.tools.notes_path
    nearest = next(parent for parent in (path, *path.parents) if parent.exists())
    return Finding(
        "notes",
        os.access(nearest, os.W_OK),
        f"{path} {'can' if os.access(nearest, os.W_OK) else 'can not'} be written",
        "set tools.notes_path to a place that you may write to",
    )


def _port(host: str, port: int) -> Finding:
    from gateway.cli.client import GatewayClient
    from gateway.cli.serving import bind

    try:
        bind(host, port).close()
    except CommandError as error:
        try:
            GatewayClient(f"http://{host}:{port}").get("/healthz")
        except CommandError:
            return Finding(
                "port", well=False, told=str(error), mend=f"gateway serve --port {port + 1}"
            )
        return Finding("port", well=True, told=f"a gateway already answers on {host}:{port}")
    return Finding("port", well=True, told=f"{host}:{port} is free")


def _parts(settings: Settings) -> Iterator[Finding]:
    """Builds the gateway and asks its models: the only test that covers everything."""
    from gateway.compose import CompositionError, build_services
    from gateway.storage.location import without_password
    from routing.tiers import Tiered

    async def ready() -> dict[str, bool]:
        services = build_services(settings)
        names.extend(spec.name for spec in services.registry.snapshot().specs)
        try:
            async with asyncio.timeout(_READY_S):
                found = {role: await model.ready() for role, model in services.models.items()}
                if isinstance(both := services.models["intermediary"], Tiered):
                    found["intermediary"], found[_OVERFLOW] = await both.ready_by_tier()
                return found
        finally:
            await services.aclose()

    names: list[str] = []
    try:
        answers = asyncio.run(ready())
    except CompositionError as error:
        yield Finding("parts", well=False, told=str(error), mend=error.hint)
        return
    except TimeoutError:
        answers = {}
    yield Finding("tools", well=True, told=", ".join(names) or "none")
    yield Finding("storage", well=True, told=without_password(settings.storage.url))
    for role, model in _models(settings):
        where = f" at {model.base_url}" if model.base_url else ""
        yield Finding(
            role,
            answers.get(role, False),
            f"{model.model}{where} {'answers' if answers.get(role) else 'does not answer'}",
            _start(model),
        )


def _start(model: ModelSettings) -> str:
    if model.backend == "vllm":
        return f"vllm serve {model.model} (flags: README.md), or mend models.*.base_url"
    return (
        f"see the lines above; {_SYNC}" if model.backend == "llamacpp" else "check key and network"
    )
