"""How urgent a request may be: what it asks for, up to what the operator allows its key or tenant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from routing.priority import Priority, at_most


@dataclass(frozen=True, slots=True)
class PriorityRule:
    """For whom `tenants` and `keys` match, globs both: at most `most`, and `default` for who says nothing."""

    most: Priority = "high"
    default: Priority = "normal"
    tenants: tuple[str, ...] = ("*",)
    keys: tuple[str, ...] = ("*",)

    def is_for(self, tenant: str, key: str) -> bool:
        """Whether it counts for somebody's requests."""
        return _matches(tenant, self.tenants) and _matches(key, self.keys)


_NO_RULE = PriorityRule()


@dataclass(frozen=True, slots=True)
class Priorities:
    """The first of `rules` that is for somebody counts; whoever has none gets what they ask for."""

    rules: tuple[PriorityRule, ...] = ()

    def granted(self, wished: Priority | None, tenant: str, key: str) -> Priority:
        """The priority of a request."""
        rule = next((each for each in self.rules if each.is_for(tenant, key)), _NO_RULE)
        return at_most(wished or rule.default, rule.most)


def _matches(name: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)
