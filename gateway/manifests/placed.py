"""An entry where it stands in its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from gateway.manifests.entries import Entry
from gateway.manifests.problem import Problem, step_text
from tools.errors import RegistrationError
from tools.yaml_marks import Mark, MarkedDocument, Path

_BARE: Mapping[str, Path] = {
    "timeout_s": ("executor", "timeout_s"),
    "cache_s": ("executor", "cache_s"),
}
"""What a tool's definition has at its top, and an HTTP entry further below."""


@dataclass(frozen=True, slots=True)
class Placed:
    """`at` is the entry's path in its document, `data` what stands there, `home` where its origin is named.

    What is wrong with something that the entry does not hold itself (a function's schema, a document's
    operation) is told at `home`. One that `is_wrong` was told of already: what was wrong with its form is
    left out of it, so that the rest can be looked at, and it may not be registered.
    """

    entry: Entry
    file: str
    document: MarkedDocument
    at: Path
    data: Mapping[str, Any]
    is_wrong: bool = False

    @property
    def home(self) -> Path:
        """The key that names where the tools come from."""
        names = {"python": "function", "openapi": "spec", "mcp": "name", "http": "name"}
        return (*self.at, names[self.entry.kind])

    def path(self, where: str) -> Path:
        """The path of a place in words (`$.parameters.properties.city`, `auth.key`), as far as it is here.

        Raises `LookupError` where nothing of it is.
        """
        text = where if where.startswith("$") else f"$.{where}"
        found = _steps(self.data, text[1:])
        if not found:
            first = text.removeprefix("$.").split(".")[0]
            found = _BARE.get(first, ()) if self.entry.kind == "http" else ()
        if not found and text != "$":
            raise LookupError(where)
        return (*self.at, *found)

    def mark(self, where: str) -> Mark:
        """Where that stands, or what it comes from."""
        try:
            return self.document.key(self.path(where))
        except LookupError:
            return self.document.key(self.home)

    def problem(self, error: RegistrationError) -> Problem:
        """What registration has refused."""
        try:
            path = self.path(error.where)
        except LookupError:
            told = error.why if error.where == "$" else f"{error.where}: {error.why}"
            return Problem.at(self.file, self.document.value(self.home), self.home, (told, ""))
        told = (error.why, _remedy(error.why, path))
        return Problem.at(self.file, self.document.value(path), path, told)


def _remedy(why: str, path: Path) -> str:
    """What to do, where what is wrong does not say it."""
    if why.startswith("breaks its own schema"):
        return "change it, or what the schema allows"
    if not why.startswith("not valid in JSON Schema"):
        return ""
    if path[-1] == "type":
        return "write string, number, integer, boolean, array, object or null, or a list of them"
    return "every keyword: https://json-schema.org/understanding-json-schema/keywords"


def _steps(value: Any, text: str) -> Path:
    """The longest path that leads somewhere in `value` and is spelled as `text` is."""
    path: list[str | int] = []
    while text:
        step = _step(value, text)
        if step is None:
            break
        spelled, key, value = step
        path.append(key)
        text = text[len(spelled) :]
    return tuple(path)


def _step(value: Any, text: str) -> tuple[str, str | int, Any] | None:
    """The member that `text` begins with: keys may hold dots, so the longest is meant."""
    members: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        members += cast("dict[str, Any]", value).items()
    elif isinstance(value, list):
        members += enumerate(cast("list[Any]", value))
    found = [
        (spelled, key, each)
        for key, each in members
        for spelled in {step_text(key), f".{key}", f"['{str(key)[:80]}']"}
        if text.startswith(spelled) and text[len(spelled) : len(spelled) + 1] in ("", ".", "[")
    ]
    return max(found, key=lambda each: len(each[0]), default=None)
