"""A configuration file read into plain data that still knows where each value came from.

What it is: YAML with `${NAME}` and `${NAME:-default}` filled in from the environment, overrides of the
form `GATEWAY__A__B=value` laid over it, and for every key the line it stands on.
What it is not: knowledge of any key, which is `gateway.settings`' and `gateway.manifests`'.

`$${` stands for a literal `${`. A value that comes from the environment is text unless it is a YAML
list or mapping, so a key that looks like a number stays a key; types are settled by the settings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PREFIX = "GATEWAY__"
_VARIABLE = re.compile(r"\$(\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")

KeyPath = tuple[str | int, ...]


class SettingsError(Exception):
    """The configuration can't be used. Its text is for people: what, where, what to do; a line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.hint = "every key: gateway config schema, docs/configuration.md"


@dataclass(slots=True)
class Document:
    """`data` is the merged tree; `origins` says for a key's path where it was set."""

    data: dict[str, Any]
    name: str
    origins: dict[KeyPath, str] = field(default_factory=dict[KeyPath, str])

    def where(self, path: KeyPath) -> str:
        """`gateway.yaml, line 4`, or the variable, of the innermost known part of the path."""
        for length in range(len(path), 0, -1):
            if origin := self.origins.get(path[:length]):
                return origin
        return self.name


def read_document(path: Path | None, environ: Mapping[str, str]) -> Document:
    """The file (None: an empty one) with the environment's values and overrides.

    Raises `SettingsError` with every problem found, not just the first.
    """
    problems: list[str] = []
    document = Document({}, str(path) if path else "the built-in defaults")
    if path is not None:
        root = _parse(path)
        if root is not None:
            reader = _Reader(document, environ, problems)
            data = reader.read(root, ())
            if not isinstance(data, dict):
                raise SettingsError([f"{path}: a mapping of keys is expected, such as `models: …`"])
            document.data = data
    _override(document, environ, problems)
    if problems:
        raise SettingsError(problems)
    return document


def _parse(path: Path) -> yaml.Node | None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(
            [f"{path}: there is no such file; name it with --config FILE"]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: can't be read: {error}"]) from error
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError([f"{path}, line {line}: is not YAML: {error.problem}"]) from error
    except yaml.YAMLError as error:
        raise SettingsError([f"{path}: is not YAML: {error}"]) from error


class _Reader:
    """Turns YAML nodes into data, noting lines, refusing keys that are given twice."""

    def __init__(self, document: Document, environ: Mapping[str, str], problems: list[str]) -> None:
        self._document = document
        self._environ = environ
        self._problems = problems
        self._construct: Callable[[yaml.Node], Any] = yaml.SafeLoader("").construct_object  # pyright: ignore[reportUnknownMemberType]

    def read(self, node: yaml.Node, path: KeyPath) -> Any:
        where = f"{self._document.name}, line {node.start_mark.line + 1}"
        self._document.origins.setdefault(path, where)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and "$" in node.value:
            return self._substitute(str(node.value), path, where)
        try:
            return self._construct(node)
        except (yaml.YAMLError, ValueError) as error:
            why = getattr(error, "problem", None) or error
            self._problems.append(f"{where}: {dotted(path)}: {why}; put the value in quotes")
            return None

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            where = f"{self._document.name}, line {key_node.start_mark.line + 1}"
            if key in found:
                self._problems.append(
                    f"{where}: {dotted((*path, key))}: is given twice; remove one"
                )
            self._document.origins[*path, key] = where
            found[key] = self.read(value_node, (*path, key))
        return found

    def _substitute(self, text: str, path: KeyPath, where: str) -> str:
        def missing(name: str) -> str:
            self._problems.append(f"{where}: {dotted(path)}: {'; '.join(unset(name))}")
            return ""

        return fill(text, self._environ, missing)


def fill(text: str, environ: Mapping[str, str], missing: Callable[[str], str]) -> str:
    """The text with its variables filled in; `missing` is asked for one that is not set."""

    def value_of(match: re.Match[str]) -> str:
        if match.group(1):
            return "${"
        name, default = match.group("name"), match.group("default")
        if default is not None:
            return environ.get(name) or default
        return environ[name] if name in environ else missing(name)

    return _VARIABLE.sub(value_of, text)


def unset(name: str) -> tuple[str, str]:
    """What is wrong with a variable that is not there, and what to do."""
    return (
        f"the environment variable {name} is not set",
        f"set it (export {name}=…) or give a default: ${{{name}:-…}}",
    )


def _override(document: Document, environ: Mapping[str, str], problems: list[str]) -> None:
    for variable in sorted(environ):
        if not variable.upper().startswith(PREFIX):
            continue
        path = tuple(variable[len(PREFIX) :].lower().split("__"))
        where = f"environment variable {variable}"
        if not all(path):
            problems.append(f"{where}: names no key; write {PREFIX}SERVER__PORT for server.port")
            continue
        target: Any = document.data
        for depth, part in enumerate(path[:-1], start=1):
            if not isinstance(target.get(part), dict):
                target[part] = {}
                document.origins[path[:depth]] = where
            target = target[part]
        target[path[-1]] = _from_environment(environ[variable])
        document.origins[path] = where


def _from_environment(text: str) -> Any:
    if text in {"null", "~"}:
        return None
    if text.startswith(("[", "{")):
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            return text
    return text


def dotted(path: KeyPath) -> str:
    """`("tools", "mcp", 0, "url")` as people write it: `tools.mcp[0].url`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
