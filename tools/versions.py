"""The versions of one tool: what was registered under its name, which of them is called, and by what names.

What it is: frozen data. A version is never changed: the same definition is the same version, another one the
next number. Moving `current` is how a version is taken into use and how it is rolled back; `canary` lets a
share of the runs try another one, the same version throughout a run.
What it is not: who may do it, or the registry that swaps it in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple

from tools.errors import RegistrationError, UnknownTool
from tools.spec import JSONObject, ToolSpec
from tools.toolset import Entry

KEPT = 20
"""The oldest versions that nothing names are let go."""
SEPARATOR = "@"


class Canary(NamedTuple):
    """`share` is between 0 and 1, of runs."""

    version: int
    share: float

    def takes(self, name: str, run_id: str) -> bool:
        """Whether this run tries it: always the same for the same run and tool."""
        digest = hashlib.sha256(f"{name}\0{run_id}".encode()).digest()
        return int.from_bytes(digest[:6]) < self.share * 2**48


@dataclass(frozen=True, slots=True)
class Standing:
    """What a file says of a version beside its definition: names for it, a word for those who still use it."""

    aliases: tuple[str, ...] = ()
    deprecated: str | None = None


UNSAID = Standing()


@dataclass(frozen=True, slots=True)
class Version:
    """`entry.spec` has its number and digest. `document` is what an author registered, if one did."""

    entry: Entry
    document: JSONObject | None = None
    deprecated: str | None = None

    @property
    def number(self) -> int:
        return self.entry.spec.version

    @property
    def digest(self) -> str:
        return self.entry.spec.digest


@dataclass(frozen=True, slots=True)
class History:
    """`versions` by their numbers, the oldest first. `aliases` are names such as `stable`.

    `last` is the highest number that was given, also to versions that are gone: none is given twice.
    """

    name: str
    versions: Mapping[int, Version] = field(default_factory=dict[int, Version])
    current: int = 0
    aliases: Mapping[str, int] = field(default_factory=dict[str, int])
    canary: Canary | None = None
    last: int = 0

    def find(self, label: str) -> Version:
        """By number or alias. Raises `UnknownTool`."""
        number = int(label) if label.isdecimal() and len(label) < 10 else self.aliases.get(label, 0)
        if (found := self.versions.get(number)) is None:
            known = ", ".join([*map(str, self.versions), *self.aliases])
            raise UnknownTool(f"{self.name} has no version {label[:64]!r}; there are: {known}")
        return found

    @property
    def authored(self) -> bool:
        """Whether an author registered what is current, so that there is a document of it."""
        return self.versions[self.current].document is not None

    def with_entry(self, entry: Entry, document: JSONObject | None = None) -> History:
        """It becomes the current one: with the number of the version that it is, or the next."""
        digest = digest_of(entry.spec, document)
        same = next((each for each in self.versions.values() if each.digest == digest), None)
        number = same.number if same is not None else self.last + 1
        if same is not None and document is not None:
            entry = same.entry  # what its upstream has seen goes on: a breaker that is open, a pace
        else:
            entry = replace(entry, spec=replace(entry.spec, version=number, digest=digest))
        version = Version(entry, document, same and same.deprecated)
        grown = {**self.versions, number: version}
        last = max(self.last, number)
        return _bounded(replace(self, versions=grown, current=number, last=last))

    def with_current(self, number: int) -> History:
        """It is what is called from now on. A canary of it is over."""
        self.find(str(number))
        over = self.canary is not None and self.canary.version == number
        return replace(self, current=number, canary=None if over else self.canary)

    def with_canary(self, number: int, share: float) -> History:
        """That share of the runs gets it; 0 ends it."""
        self.find(str(number))
        if number == self.current and share > 0:
            raise RegistrationError("$.share", f"version {number} is what every run gets already")
        return replace(self, canary=Canary(number, share) if share > 0 else None)

    def with_alias(self, number: int, alias: str) -> History:
        """The name stands for this version from now on."""
        self.find(str(number))
        return replace(self, aliases={**self.aliases, alias: number})

    def with_standing(self, standing: Standing) -> History:
        """The current version has these names, and this word or none."""
        aliases = {**self.aliases, **dict.fromkeys(standing.aliases, self.current)}
        return replace(self, aliases=aliases).with_deprecation(self.current, standing.deprecated)

    def with_deprecation(self, number: int, notice: str | None) -> History:
        """A word for those who still use it; None takes it back."""
        version = replace(self.find(str(number)), deprecated=notice)
        return replace(self, versions={**self.versions, number: version})


def _bounded(history: History) -> History:
    tried = [history.canary.version] if history.canary else []
    named = {history.current, *history.aliases.values(), *tried}
    spare = [number for number in history.versions if number not in named]
    gone = set(spare[: max(0, len(history.versions) - KEPT)])
    left = {number: each for number, each in history.versions.items() if number not in gone}
    return replace(history, versions=left)


def digest_of(spec: ToolSpec, document: JSONObject | None = None) -> str:
    """SHA-256 over everything that a definition says; `document` also says what runs it."""
    content = {
        "name": spec.name,
        "description": spec.description,
        "parameters": spec.parameters,
        "returns": spec.returns,
        "annotations": asdict(spec.annotations),
        "timeout_s": spec.timeout_s,
        "cache_s": spec.cache_s,
        "read_back": spec.read_back and asdict(spec.read_back),
        "resource": spec.resource,
        "document": document,
    }
    if (
        spec.result_tokens is not None
    ):  # else the digest is what it was before there was such a field
        content["result_tokens"] = spec.result_tokens
    text = json.dumps(content, default=dict, separators=(",", ":"), sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
