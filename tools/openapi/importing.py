"""A whole document → tools, and a list of the operations that can't be one.

What it is: the way from a `Source` to what the registry takes. `register` puts the tools in and gives the
list; a preview is the same into a registry that is thrown away.
What it is not: reading single operations (`tools.openapi.operations`).

Raises `RegistrationError` for what concerns the whole document; one operation never spoils another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from tools.errors import RegistrationError
from tools.naming import distinct_name
from tools.near import normalised
from tools.openapi.document import Document, Node
from tools.openapi.operations import (
    METHODS,
    Operation,
    OperationTool,
    Source,
    read_operation,
    without_returns,
)
from tools.openapi.security import check_auth
from tools.openapi.servers import checked_base
from tools.overrides import overridden, require_known
from tools.toolset import compile_entry, names_taken, require_free

_NO_METHODS = {
    "parameters", "servers", "summary", "description", "$ref", "additionalOperations",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """An operation that is no tool: `GET /pets`, a pointer into the document, and the reason."""

    operation: str
    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What a document holds, before anything is registered. `excluded` counts what was not wanted."""

    title: str
    tools: tuple[OperationTool, ...]
    refused: tuple[Refused, ...]
    excluded: int = 0


def import_document(data: Any, source: Source) -> Imported:
    """The tools of a document. Raises `RegistrationError` for a document or a `source` that can't be right."""
    document = Document(data)
    check_auth(document, source.auth)
    if source.base_url is not None:
        checked_base(source.base_url, "base_url")
    tools: list[OperationTool] = []
    refused: list[Refused] = []
    known: list[str] = []
    taken: set[str] = set()
    excluded = 0
    for found in _operations(document, refused):
        known.append(found.id)
        if not _wanted(found, source):
            excluded += 1
            continue
        try:
            tool = read_operation(document, source, found)
        except RegistrationError as error:
            refused.append(Refused(found.label, error.where, error.why))
            continue
        told = overridden(tool.spec, source.overrides.get(found.id), f"overrides.{found.id}")
        tool = replace(tool, spec=told)
        if normalised(tool.spec.name) in taken:
            name = distinct_name(tool.spec.name, found.label)
            tool = replace(tool, spec=replace(tool.spec, name=name))
        taken.add(normalised(tool.spec.name))
        tools.append(tool)
    for where in ("effects", "overrides"):
        require_known(getattr(source, where), known, where, "operation of the document")
    info = document.root.get("info")
    title = info.text("title") if info is not None else ""
    return Imported(title, tuple(tools), tuple(refused), excluded)


def register(
    imported: Imported,
    add: Callable[[OperationTool], None],
) -> tuple[tuple[OperationTool, ...], tuple[Refused, ...]]:
    """Register each tool with `add`; gives those that are in, and everything that is not and why.

    `add` raises `RegistrationError` for what the registry does not take. A tool whose `returns` it does
    not take goes in without.
    """
    added: list[OperationTool] = []
    refused = list(imported.refused)
    for each in imported.tools:
        tool = each
        try:
            try:
                add(tool)
            except RegistrationError as error:
                if not error.where.startswith("$.returns"):
                    raise
                tool = without_returns(tool, str(error))
                add(tool)
            added.append(tool)
        except RegistrationError as error:
            refused.append(Refused(tool.operation.label, tool.operation.node.pointer, str(error)))
    return tuple(added), tuple(refused)


def preview(imported: Imported) -> tuple[tuple[OperationTool, ...], tuple[Refused, ...]]:
    """What `register` would do with a registry that is empty."""
    taken: dict[str, str] = {}

    def add(tool: OperationTool) -> None:
        compile_entry(tool.spec, None)
        require_free(tool.spec.name, taken)
        taken.update(names_taken([tool.spec.name]))

    return register(imported, add)


def _operations(document: Document, refused: list[Refused]) -> Iterator[Operation]:
    """In the document's order. What is no operation of a verb that can be called is `refused`."""
    paths = Node(document.root.object()["paths"], "#/paths")
    for path, listed in paths.members():
        try:
            path_item = document.resolved(listed)
            members = list(path_item.members())
        except RegistrationError as error:
            refused.append(Refused(path, error.where, error.why))
            continue
        for method, node in members:
            if method in METHODS and isinstance(node.value, dict):
                yield Operation(node, path_item, method, path)
            elif method in METHODS:
                refused.append(Refused(f"{method.upper()} {path}", node.pointer, "no object"))
            elif method not in _NO_METHODS:
                why = f"the method {method} is not supported"
                refused.append(Refused(f"{method.upper()} {path}", node.pointer, why))
        more = path_item.get("additionalOperations")
        for method in more.object() if more is not None and isinstance(more.value, dict) else ():
            why = f"the method {method} is not supported"
            refused.append(Refused(f"{method} {path}", more.pointer if more else "", why))


def _wanted(found: Operation, source: Source) -> bool:
    def named(globs: Any) -> bool:
        return any(fnmatchcase(text, glob) for glob in globs for text in (found.id, found.label))

    return named(source.include) and not named(source.exclude)
