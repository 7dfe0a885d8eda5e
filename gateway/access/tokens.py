"""JSON Web Tokens of an OpenID Connect issuer, in place of API keys.

What it is: a signature of one of the issuer's published keys (JWKS), for this audience, not expired; role
and tenant come out of claims. Keys are kept for `keys_age_s`; a token that names an unknown one has them
fetched anew, at most every ten seconds, and while the issuer does not answer the last ones are believed.
What it is not: a login, or a check whether the issuer has revoked a token: it is valid until it expires.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import jwt

from gateway.access.principal import DEFAULT_TENANT, ROLES, KeyRole, Principal
from gateway.storage.errors import StorageUnavailable

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Signatures only: with a shared secret, whoever checks tokens could make them."""
_TENANT = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LEEWAY_S = 30.0
_PAUSE_S = 10.0
_log = logging.getLogger("gateway.access")

Fetch = Callable[[], Awaitable[bytes]]
"""Gives the JWKS document. Raises `OSError` where it can't be had."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens count, and which claims tell role and tenant; without a claim for it, all are `default`."""

    issuer: str
    audience: str
    role_claim: str
    tenant_claim: str | None = None
    keys_age_s: float = 300.0


class TokenCheck:
    """Checks tokens of one issuer. `now` in seconds, for the age of its keys."""

    def __init__(
        self, issuer: Issuer, fetch: Fetch, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._now = now
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched: float | None = None
        self._tried: float | None = None
        self._fetching = asyncio.Lock()

    async def principal(self, token: str) -> Principal | None:
        """Who shows this; None for a token that is not valid here. Raises `StorageUnavailable` without keys."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            return None
        name, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(name, str) or algorithm not in ALGORITHMS:
            return None
        key = await self._key(name)
        if key is None:
            return None
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._issuer.audience,
                issuer=self._issuer.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.InvalidTokenError, jwt.InvalidKeyError):
            return None
        return self._principal(claims)

    def _principal(self, claims: dict[str, Any]) -> Principal | None:
        role = _role(claims.get(self._issuer.role_claim))
        named = self._issuer.tenant_claim
        tenant = DEFAULT_TENANT if named is None else claims.get(named)
        if role is None or not isinstance(tenant, str) or _TENANT.fullmatch(tenant) is None:
            return None
        # people stand behind tokens: logs, runs and policies get a name that tells nothing about them
        who = hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()[:16]
        return Principal(f"jwt-{who}", role, tenant)

    async def _key(self, name: str) -> jwt.PyJWK | None:
        if self._is_old() or name not in self._keys:
            async with self._fetching:
                if (self._is_old() or name not in self._keys) and self._may_try():
                    await self._load()
        if self._fetched is None:
            raise StorageUnavailable("the issuer's keys can't be fetched")
        return self._keys.get(name)

    def _is_old(self) -> bool:
        return self._fetched is None or self._now() - self._fetched > self._issuer.keys_age_s

    def _may_try(self) -> bool:
        return self._tried is None or self._now() - self._tried >= _PAUSE_S

    async def _load(self) -> None:
        self._tried = self._now()
        try:
            document = json.loads(await self._fetch())
            found = jwt.PyJWKSet.from_dict(document)
        except (OSError, ValueError, AttributeError, jwt.PyJWTError) as error:
            _log.warning("the issuer's keys can't be fetched: %s", type(error).__name__)
            return
        self._keys = {key.key_id: key for key in found.keys if key.key_id}
        self._fetched = self._now()


def _role(claim: object) -> KeyRole | None:
    """The greatest of the roles that a claim names."""
    named = cast("Sequence[object]", claim) if isinstance(claim, list) else [claim]
    return next((role for role in reversed(ROLES) if role in named), None)
