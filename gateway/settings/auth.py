"""`auth`: who may call."""

from __future__ import annotations

from pydantic import field_validator

from gateway.settings.section import Section, not_in_this_version


class AuthSettings(Section):
    """Who may call. Without authentication the gateway listens on loopback only."""

    enabled: bool = False
    """Only false in this version."""

    @field_validator("enabled", mode="after")
    @classmethod
    def _unsupported(cls, enabled: bool) -> bool:  # noqa: FBT001 - pydantic's signature
        if enabled:
            raise not_in_this_version(
                "authentication",
                "set it to false and keep the gateway on loopback or behind a proxy",
            )
        return enabled
