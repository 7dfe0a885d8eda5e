"""The manifests that an author names, looked at without a gateway: reports on their tools, and all that is wrong.

What it is: each file goes the way that it goes at a gateway's start, into a registry that is thrown away.
Nothing is asked over the network and no program is started, unless `connect` says so; functions are imported.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway.cli.exits import CommandError, Exit
from gateway.compose import build_router
from gateway.compose.manifests import Manifests, Origin
from gateway.manifests.placed import Placed
from gateway.manifests.problem import Problem
from gateway.manifests.reading import manifest_files, read_manifest
from gateway.settings import Settings, load_settings
from gateway.tool_report import tool_report
from gateway.tool_report_data import as_data
from routing.backend import ModelBackend
from tools.openapi.importing import Refused
from tools.registry import Registry

_UNREAD = "is at a URL; --connect fetches it"
_UNASKED = "is an MCP server, which alone knows its tools; --connect asks it"


@dataclass(frozen=True, slots=True)
class Linted:
    """`reports` are those of `GET /v1/tools/{name}/report`, with the place that each tool and finding is at.

    `others` are files that lie beside manifests and are none.
    """

    files: Sequence[str]
    others: Sequence[str]
    reports: Sequence[dict[str, Any]]
    problems: Sequence[Problem]
    refused: Sequence[tuple[Placed, Refused]]
    skipped: Sequence[tuple[Placed, str]]

    def as_data(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {
            "object": "tools.lint",
            "files": list(self.files),
            "other_files": list(self.others),
            "tools": list(self.reports),
            "problems": [asdict(each) for each in self.problems],
            "refused": [{**_place(placed), **asdict(each)} for placed, each in self.refused],
            "skipped": [{**_place(placed), "why": why} for placed, why in self.skipped],
        }


def lint_manifests(paths: Sequence[Path], config: Path | None, *, connect: bool) -> Linted:
    """Tokens are counted by the models of `config`, without one by the embedded model's.

    Raises `CommandError` for a path that leads to nothing, `SettingsError`.
    """
    files, others = _files(paths)
    settings = load_settings(config) if config else Settings()
    registry = Registry()
    manifests = Manifests(registry, allow_private=True, fetch=connect)
    problems: list[Problem] = []
    for file in files:
        read = read_manifest(file, os.environ, with_secrets=connect)
        problems += read.problems
        for placed in read.entries:
            manifests.register(placed)
    members = build_router(settings).members
    models = {role: member.backend for role, member in members.items()}
    reports = asyncio.run(_reports(manifests, registry, models, connect=connect))
    outcome = manifests.outcome
    skipped = [(placed, _UNREAD) for placed in outcome.unread]
    if not connect:
        skipped += [(placed, _UNASKED) for placed, _ in outcome.servers]
    return Linted(
        [str(file) for file in files],
        [str(file) for file in others],
        reports,
        sorted({*problems, *outcome.problems}),
        outcome.refused,
        skipped,
    )


def _files(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The manifests, and what else lies in the folders. Raises `CommandError`."""
    files: list[Path] = []
    others: list[Path] = []
    for path in paths:
        if not path.exists():
            hint = "name a manifest or a folder of them"
            raise CommandError(f"there is no {path}", hint, code=Exit.USAGE)
        meant, other = manifest_files(path) if path.is_dir() else ([path], [])
        if not meant:
            hint = "what one looks like: docs/manifests.md"
            raise CommandError(f"there is no manifest in {path}", hint, code=Exit.USAGE)
        files += meant
        others += other
    return files, others


async def _reports(
    manifests: Manifests,
    registry: Registry,
    models: Mapping[str, ModelBackend],
    *,
    connect: bool,
) -> list[dict[str, Any]]:
    try:
        for placed, entry in manifests.outcome.servers if connect else ():
            await manifests.ask(placed, entry)
        return [
            _placed(origin, await _report(origin.name, registry, models))
            for origin in manifests.outcome.tools
        ]
    finally:
        for model in models.values():
            await model.aclose()


async def _report(
    name: str, registry: Registry, models: Mapping[str, ModelBackend]
) -> dict[str, Any]:
    history = registry.history(name)
    notice = history.versions[history.current].deprecated
    report = as_data(await tool_report(registry.get(name), registry, models))
    return {**report, "aliases": list(history.aliases), "deprecated": notice}


def _placed(origin: Origin, report: dict[str, Any]) -> dict[str, Any]:
    findings = [
        {**each, **dict(zip(("line", "column"), origin.placed.mark(each["where"]), strict=True))}
        for each in report["findings"]
    ]
    return {**report, **_place(origin.placed), "pointer": origin.pointer, "findings": findings}


def _place(placed: Placed) -> dict[str, Any]:
    line, column = placed.document.value(placed.at)
    return {"kind": placed.entry.kind, "file": placed.file, "line": line, "column": column}
