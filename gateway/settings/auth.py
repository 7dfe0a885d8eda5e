"""`auth`: who may call."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from gateway.settings.section import Section

_SHORTEST = 32


class AuthSettings(Section):
    """Who may call. Without authentication the gateway listens on loopback only. See docs/access.md."""

    enabled: bool = False
    """Whether callers have to show a key (`gateway keys create`)."""
    operator_key: SecretStr | None = None
    """A key of the role operator that is in no store, for the first steps and for recovery; at least 32 characters. Write it as `${NAME}`."""
    key_age_s: Annotated[float, Field(ge=0, le=300)] = 5.0
    """For how many seconds a key that was read is believed: so long may a revocation take in other processes."""

    @field_validator("operator_key", mode="after")
    @classmethod
    def _long(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < _SHORTEST:
            raise PydanticCustomError(
                "too_short", "has to have at least {least} characters", {"least": _SHORTEST}
            )
        return key
