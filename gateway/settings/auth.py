"""`auth`: who may call."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from gateway.settings.section import Section
from gateway.settings.urls import ShownUrl

_SHORTEST = 32


class JwtSettings(Section):
    """Tokens of an OpenID Connect issuer, valid beside keys."""

    issuer: Annotated[str, Field(min_length=1)]
    """What `iss` has to be."""
    audience: Annotated[str, Field(min_length=1)]
    """What `aud` has to hold."""
    jwks_url: ShownUrl
    """Where the issuer publishes its keys: https, or a loopback address."""
    role_claim: str = "gateway_role"
    """The claim that names the role (`app`, `author`, `operator`), or a list of which the greatest counts."""
    tenant_claim: str | None = None
    """The claim that names the tenant. Null: everybody is of the tenant `default`."""
    keys_age_s: Annotated[float, Field(ge=10, le=86_400)] = 300.0
    """For how many seconds the issuer's keys are believed before they are fetched again."""

    @field_validator("jwks_url", mode="after")
    @classmethod
    def _safe(cls, url: ShownUrl) -> ShownUrl:
        if url.scheme != "https" and url.host not in {"127.0.0.1", "localhost", "[::1]"}:
            raise PydanticCustomError("not_https", "has to be https: whoever changes it makes keys")
        return url


class AuthSettings(Section):
    """Who may call. Without authentication the gateway listens on loopback only. See docs/access.md."""

    enabled: bool = False
    """Whether callers have to show a key (`gateway keys create`)."""
    operator_key: SecretStr | None = None
    """A key of the role operator that is in no store, for the first steps and for recovery; at least 32 characters. Write it as `${NAME}`."""
    key_age_s: Annotated[float, Field(ge=0, le=300)] = 5.0
    """For how many seconds a key that was read is believed: so long may a revocation take in other processes."""

    jwt: JwtSettings | None = None
    """Tokens of an issuer that are valid beside keys. Null: none."""

    @field_validator("operator_key", mode="after")
    @classmethod
    def _long(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < _SHORTEST:
            raise PydanticCustomError(
                "too_short", "has to have at least {least} characters", {"least": _SHORTEST}
            )
        return key
