# pyright: reportUnknownMemberType=false
# cedarpy names `dict` and `list` without what is in them.
"""A set of Cedar policies: read from files, checked against the schema, asked.

Only this module knows cedarpy. Raises `PolicyError` for what can't be read, parsed, or does not fit the
schema; a set that exists can be asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import cedarpy

from policies.errors import PolicyError

SCHEMA = Path(__file__).with_name("schema.cedarschema")
_ARGUMENTS = frozenset({"text", "number", "flag", "strings", "paths"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a set says. `policies` are the ids of those that decided, none where nothing matched."""

    said: Literal["allow", "approval", "deny"]
    reason: str
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Annotated:
    """One policy of a set: its name for people, and what it tells."""

    name: str
    reason: str | None
    approval: str | None


def files_in(path: Path) -> tuple[Path, ...]:
    """The `.cedar` files that a path names: one, or all of a folder in the order of their names."""
    return tuple(sorted(path.glob("*.cedar"))) if path.is_dir() else (path,)


class PolicySet:
    """The policies of some files. `version` is the same for the same text, everywhere."""

    def __init__(self, sources: Sequence[tuple[str, str]]) -> None:
        text = "\n".join(text for _, text in sources)
        where = ", ".join(name for name, _ in sources) or "no file"
        schema = SCHEMA.read_text(encoding="utf-8")
        try:
            self._policies = cedarpy.PolicySet.from_str(text)
            document: dict[str, Any] = json.loads(cedarpy.policies_to_json_str(text))
            checked = cedarpy.validate_policies(text, schema)
        except ValueError as error:
            raise PolicyError(where, f"not Cedar: {_line(error)}") from None
        self._annotated = {
            name: _annotations(name, policy)
            for name, policy in document.get("staticPolicies", {}).items()
        }
        if document.get("templates"):
            raise PolicyError(where, "templates (?principal, ?resource) are not for here")
        if checked.errors:
            told = sorted(_line(problem.error) for problem in checked.errors)
            names = sorted({self._name(problem.policy_id) for problem in checked.errors})
            raise PolicyError(f"{where}: {', '.join(names)}", "; ".join(told))
        read = frozenset(_context_attributes(document))
        self.reads_arguments = not read.isdisjoint(_ARGUMENTS) or "*" in read
        self.reads_taint = "tainted" in read or "*" in read
        self.reads_cost = "cost_micro_usd" in read or "*" in read
        self.reads_context = bool(read)
        self.version = hashlib.sha256(f"{schema}\0{text}".encode()).hexdigest()[:12]

    def _name(self, policy_id: str) -> str:
        found = self._annotated.get(policy_id)
        return found.name if found else policy_id

    def __len__(self) -> int:
        return len(self._annotated)

    @classmethod
    def read(cls, path: Path) -> PolicySet:
        """The policies of a file or a folder. Raises `PolicyError`."""
        files = files_in(path)
        if not files:
            raise PolicyError(str(path), "no .cedar file in this folder")
        try:
            return cls([(str(file), file.read_text(encoding="utf-8")) for file in files])
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise PolicyError(str(path), f"can't be read: {reason}") from None

    def ask(
        self,
        principal: Mapping[str, str],
        action: str,
        resource: Mapping[str, str],
        context: Mapping[str, Any],
        entities: Sequence[Mapping[str, Any]],
    ) -> Answer:
        """May `principal` do this? What can't be decided is denied."""
        request = {
            "principal": principal,
            "action": {"type": "Action", "id": action},
            "resource": resource,
            "context": context,
        }
        try:
            known = cedarpy.Entities.from_json_str(json.dumps(entities))
            told = cedarpy.is_authorized(request, self._policies, known)
        except ValueError as error:
            return Answer("deny", f"the policies can't be asked: {_line(error)}")
        if told.diagnostics.errors or told.decision is cedarpy.Decision.NoDecision:
            first = next(iter(told.diagnostics.errors), "no decision")
            return Answer("deny", f"a policy can't be evaluated: {_line(first)}")
        decided = [self._annotated[name] for name in sorted(told.diagnostics.reasons, key=_place)]
        names = tuple(one.name for one in decided)
        if not told.allowed:
            reasons = [one.reason for one in decided if one.reason]
            default = f"the policy {names[0]} forbids it" if names else "no policy allows it"
            return Answer("deny", reasons[0] if reasons else default, names)
        asks = [one for one in decided if one.approval is not None]
        if asks:
            approval = (
                asks[0].approval or asks[0].reason or f"the policy {asks[0].name} asks for it"
            )
            return Answer("approval", approval, tuple(one.name for one in asks))
        return Answer("allow", "", names)


def _annotations(policy_id: str, policy: Mapping[str, Any]) -> _Annotated:
    told: Mapping[str, str | None] = policy.get("annotations", {})
    approval = (told["approval"] or "") if "approval" in told else None
    return _Annotated(told.get("id") or policy_id, told.get("reason"), approval)


def _context_attributes(node: object) -> Iterator[str]:
    """Which parts of the context a policy document reads; `*` for the context as a whole."""
    if isinstance(node, list):
        for each in cast("list[object]", node):
            yield from _context_attributes(each)
    if not isinstance(node, dict):
        return
    for kind, value in cast("dict[str, Any]", node).items():
        if kind in {".", "has"} and value.get("left") == {"Var": "context"}:
            yield str(value.get("attr"))
        elif (kind, value) == ("Var", "context"):
            yield "*"
        else:
            yield from _context_attributes(value)


def _place(policy_id: str) -> int:
    """`policy12` is the thirteenth in the text."""
    return int(policy_id.removeprefix("policy"))


def _line(error: object) -> str:
    return " ".join(str(error).split())[:300]
