"""On whose behalf a request comes: a key, what it may be used for, and whose things it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

KeyRole = Literal["app", "author", "operator"]
ROLES: tuple[KeyRole, ...] = get_args(KeyRole)
"""From least to most: an author may do all that an app may, an operator all that an author may."""

DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `key` is the public id of a key, empty where nobody had to show one."""

    key: str = ""
    role: KeyRole = "app"
    tenant: str = DEFAULT_TENANT

    def has(self, role: KeyRole) -> bool:
        """Whether this role, or one above it, was given."""
        return ROLES.index(self.role) >= ROLES.index(role)


ANYONE = Principal(role="operator")
"""Who asks a gateway without authentication: the person at this machine, who may do everything."""
