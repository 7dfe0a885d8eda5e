"""Files into entries, and everything that is wrong with them: one bad entry hides no other.

What it is: YAML or JSON files; a document is one entry or a list of them, and a file holds one document or
several with `---`. In entries of the kinds `openapi` and `mcp`, `${NAME}` is filled from the environment as in
the configuration; in others `${TOOL_…}` stays and is looked up when a tool is called.
What it is not: the rules on names and schemas, which registration has (`gateway.compose.manifests`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from gateway.manifests.entries import KINDS, TELLING
from gateway.manifests.mending import without_mistakes
from gateway.manifests.placed import Placed
from gateway.manifests.problem import Problem
from gateway.settings.explaining import explained
from gateway.settings_document import fill, unset
from tools.errors import RegistrationError
from tools.openapi.reading import MAX_BYTES, check_bounds, is_url
from tools.yaml_marks import MarkedDocument, read_marked
from tools.yaml_marks import Path as KeyPath

_SUFFIXES = (".yaml", ".yml", ".json")
_FILLED = ("openapi", "mcp")
_SECRET = ("env", "headers")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file holds, in its order. `entries` are those that have the right form."""

    entries: tuple[Placed, ...]
    problems: tuple[Problem, ...]


def manifest_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files in a folder and below it that are meant as manifests, and other YAML and JSON; both sorted."""
    found = (each for each in folder.rglob("*") if each.suffix in _SUFFIXES and each.is_file())
    files = sorted(each for each in found if not _is_hidden(each.relative_to(folder)))
    meant = [each for each in files if _is_meant(each)]
    return meant, [each for each in files if each not in meant]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def read_manifest(
    path: Path, environ: Mapping[str, str], *, with_secrets: bool = True, shown: str | None = None
) -> Manifest:
    """The entries of a file. Without `with_secrets`, variables of `env` and `headers` need not be set.

    `shown` is the file's name in problems.
    """
    name = shown or str(path)
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        return Manifest((), (Problem(name, 1, 1, "$", f"can't be read: {why}"),))
    if len(raw) > MAX_BYTES:
        why = f"more than {MAX_BYTES // 1024 // 1024} MiB: split it"
        return Manifest((), (Problem(name, 1, 1, "$", why),))
    documents, faults = read_marked(text)
    remedy = "put text that holds `: ` or ` #` in quotes, and indent with spaces"
    problems = [
        Problem.at(name, each.mark, each.path, (each.why, remedy if "no YAML" in each.why else ""))
        for each in faults
    ]
    reader = _Reader(name, path.parent, environ, with_secrets=with_secrets)
    for document in documents:
        reader.read(document)
    problems += reader.problems
    if not reader.seen and not problems:
        problems.append(Problem(name, 1, 1, "$", "holds no tool", "write one: docs/manifests.md"))
    return Manifest(tuple(reader.entries), tuple(sorted(problems)))


def _is_meant(path: Path) -> bool:
    """Whether anything in a file is begun like an entry; what is no YAML at all may have been meant so."""
    try:
        documents, _ = read_marked(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return False
    return not documents or any(_begins_entry(data) for each in documents for data in _listed(each))


def _listed(document: MarkedDocument) -> list[Any]:
    """The entries of a document: it is one, or a list of them."""
    data = document.data
    return cast("list[Any]", data) if isinstance(data, list) else [document.data]


def _begins_entry(data: Any) -> bool:
    if not isinstance(data, dict) or _names_openapi(cast("object", data)):
        return False
    keys = cast("dict[str, Any]", data).keys()
    return "apiVersion" not in keys and not keys.isdisjoint(("kind", "executor", *TELLING))


def _names_openapi(data: object) -> bool:
    if not isinstance(data, dict):
        return False
    keys = cast("dict[str, Any]", data).keys()
    return not keys.isdisjoint(("openapi", "swagger"))


class _Reader:
    """The documents of one file, one after another."""

    def __init__(
        self, file: str, folder: Path, environ: Mapping[str, str], *, with_secrets: bool
    ) -> None:
        self._file = file
        self._folder = folder
        self._environ = environ
        self._with_secrets = with_secrets
        self.entries: list[Placed] = []
        self.problems: list[Problem] = []
        self.seen = 0

    def read(self, document: MarkedDocument) -> None:
        """Every entry of a document; an empty one has none."""
        try:
            check_bounds(document.data)
        except RegistrationError as error:
            self._tell(document, (), (f"{error.where}: {error.why}", ""))
            return
        if document.data is None:
            return
        data = document.data
        listed = cast("list[Any]", data) if isinstance(data, list) else None
        if listed is None:
            self._entry(document, (), document.data)
            return
        for index, each in enumerate(listed):
            self._entry(document, (index,), each)

    def _entry(self, document: MarkedDocument, at: KeyPath, data: object) -> None:
        self.seen += 1
        if not isinstance(data, dict):
            example = "{name: …, description: …, parameters: {…}, executor: {…}}"
            self._tell(document, at, ("must be a mapping of keys", f"write such as {example}"))
            return
        told = cast("dict[str, Any]", data)
        kind = self._kind(document, at, told)
        if kind is None:
            return
        model, before = KINDS[kind], len(self.problems)
        given = self._filled(document, at, told) if kind in _FILLED else told
        if kind == "openapi" and isinstance(spec := given.get("spec"), str) and not is_url(spec):
            given = {**given, "spec": str(self._folder / Path(spec).expanduser())}
        try:
            entry = model.model_validate(given)
        except ValidationError as error:
            for detail in error.errors():
                path = (*at, *detail["loc"])
                self._tell(document, path, explained(detail, model))
            if (mended := without_mistakes(model, given)) is None:
                return
            entry, given = mended
        is_wrong = len(self.problems) > before
        self.entries.append(Placed(entry, self._file, document, at, given, is_wrong))

    def _kind(self, document: MarkedDocument, at: KeyPath, data: dict[str, Any]) -> str | None:
        if _names_openapi(data):
            why = "this is an OpenAPI document, no manifest"
            self._tell(document, at, (why, "name it in one: {kind: openapi, name: …, spec: FILE}"))
            return None
        if "kind" not in data:
            meant = next((kind for key, kind in TELLING.items() if key in data), None)
            if meant is not None:
                self._tell(document, at, ("its kind is not said", f"add `kind: {meant}`"))
            return None if meant is not None else "http"
        kind = data["kind"]
        if isinstance(kind, str) and kind in KINDS:
            return kind
        near = get_close_matches(str(kind), KINDS, n=1, cutoff=0.5)
        known = ", ".join(f"`{each}`" for each in KINDS)
        remedy = f"did you mean `{near[0]}`?" if near else f"there are {known}"
        self._tell(document, (*at, "kind"), ("unknown kind", remedy))
        return None

    def _filled(
        self, document: MarkedDocument, at: KeyPath, data: dict[str, Any]
    ) -> dict[str, Any]:
        def missing(path: KeyPath, name: str) -> str:
            if self._with_secrets or path[len(at)] not in _SECRET:
                self._tell(document, path, unset(name))
            return ""

        def walk(value: Any, path: KeyPath) -> Any:
            if isinstance(value, str):
                return fill(value, self._environ, lambda name: missing(path, name))
            if isinstance(value, dict):
                inner = cast("dict[str, Any]", value)
                return {key: walk(each, (*path, key)) for key, each in inner.items()}
            if isinstance(value, list):
                items = cast("list[Any]", value)
                return [walk(each, (*path, index)) for index, each in enumerate(items)]
            return value

        return walk(data, at)

    def _tell(self, document: MarkedDocument, path: KeyPath, told: tuple[str, str]) -> None:
        is_key = told[0] == "unknown key"
        mark = document.key(path) if is_key else document.value(path)
        self.problems.append(Problem.at(self._file, mark, path, told))
