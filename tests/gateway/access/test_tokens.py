"""Which tokens of an issuer open the gateway, as whom, and what happens when the issuer is away."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from pydantic import ValidationError

from gateway.access.check import KeyCheck
from gateway.access.principal import Principal
from gateway.access.tokens import Issuer, TokenCheck
from gateway.compose.jwks import JwksSource
from gateway.compose.tokens import build_tokens
from gateway.settings.auth import AuthSettings
from gateway.storage.errors import StorageUnavailable
from gateway.storage.memory_keys import MemoryKeyStore
from tests.gateway.access.doors import bearer
from tests.gateway.conftest import Serve
from tools.executors.http_session import HttpSessions

ISSUER = Issuer("https://issuer.example", "gateway", "gateway_role", "gateway_tenant")
KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("one", "two", "stranger")}


@dataclass
class Published:
    """What the issuer publishes; counts how often it is asked."""

    names: list[str] = field(default_factory=lambda: ["one"])
    away: bool = False
    asked: int = 0
    clock: float = 1_000.0

    async def __call__(self) -> bytes:
        self.asked += 1
        if self.away:
            raise OSError("nobody answers")
        return json.dumps({"keys": [self._jwk(name) for name in self.names]}).encode()

    def _jwk(self, name: str) -> dict[str, Any]:
        public = ECAlgorithm.to_jwk(KEYS[name].public_key(), as_dict=True)
        return {**public, "kid": name, "use": "sig", "alg": "ES256"}

    def check(self) -> TokenCheck:
        return TokenCheck(ISSUER, self, lambda: self.clock)


def token(by: str = "one", kid: str | None = "one", without: str = "", **claims: Any) -> str:
    whole = {
        "iss": ISSUER.issuer,
        "aud": "gateway",
        "sub": "ada@example.com",
        "exp": time.time() + 300,
        "gateway_role": "app",
        "gateway_tenant": "acme",
        **claims,
    }
    whole.pop(without, None)
    return jwt.encode(whole, KEYS[by], "ES256", headers={"kid": kid} if kid else None)


def forged(algorithm: str, secret: bytes = b"") -> str:
    """A token that names a key of the issuer, but is signed with no key, or with the public one as a secret."""
    parts = (
        {"alg": algorithm, "kid": "one"},
        jwt.decode(token(gateway_role="operator"), options={"verify_signature": False}),
    )
    text = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    signed = hmac.new(secret, text.encode(), hashlib.sha256).digest() if secret else b"x"
    return f"{text}.{base64.urlsafe_b64encode(signed).decode().rstrip('=')}"  # fmt: skip


PUBLIC = (
    KEYS["one"]
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
)


async def test_a_valid_token_has_its_claims_role_and_tenant_and_no_name() -> None:
    who = await Published().check().principal(token())
    assert who is not None
    assert (who.role, who.tenant) == ("app", "acme")
    assert who.key.startswith("jwt-")
    assert "ada" not in who.key


async def test_of_several_roles_the_greatest_counts() -> None:
    claim = ["something", "author", "app"]
    who = await Published().check().principal(token(gateway_role=claim))
    assert who is not None
    assert who.role == "author"


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(token(exp=time.time() - 60), id="expired"),
        pytest.param(token(nbf=time.time() + 3_600), id="not yet valid"),
        pytest.param(token(aud="other"), id="for somebody else"),
        pytest.param(token(iss="https://other.example"), id="of another issuer"),
        pytest.param(token("stranger"), id="signed by a stranger under a known name"),
        pytest.param(token("stranger", "stranger"), id="signed by a stranger"),
        pytest.param(token(kid=None), id="names no key"),
        pytest.param(token(without="exp"), id="never expires"),
        pytest.param(token(without="sub"), id="of nobody"),
        pytest.param(token(without="aud"), id="for nobody"),
        pytest.param(token(without="gateway_role"), id="no role"),
        pytest.param(token(gateway_role="root"), id="unknown role"),
        pytest.param(token(gateway_role={"operator": True}), id="a role that is no text"),
        pytest.param(token(without="gateway_tenant"), id="no tenant"),
        pytest.param(token(gateway_tenant="a/../b"), id="a tenant that can't be one"),
        pytest.param(forged("none"), id="not signed"),
        pytest.param(forged("HS256", PUBLIC), id="the public key as a secret"),
        pytest.param(token()[:-4] + "AAAA", id="changed"),
        pytest.param("a.b.c", id="no token"),
    ],
)
async def test_what_is_not_valid_opens_nothing(shown: str) -> None:
    assert await Published().check().principal(shown) is None


async def test_keys_are_fetched_once_and_again_for_an_unknown_name_but_not_by_a_flood() -> None:
    published = Published()
    check = published.check()
    for _ in range(5):
        assert await check.principal(token()) is not None
    assert published.asked == 1
    published.names.append("two")
    published.clock += 11
    assert await check.principal(token("two", "two")) is not None
    for _ in range(5):
        assert await check.principal(token("stranger", "stranger")) is None
    assert published.asked == 2


async def test_a_key_that_is_withdrawn_is_believed_until_the_keys_are_old() -> None:
    published = Published(["one", "two"])
    check = published.check()
    assert await check.principal(token()) is not None
    published.names = ["two"]
    published.clock += ISSUER.keys_age_s + 1
    assert await check.principal(token()) is None


async def test_while_the_issuer_is_away_its_last_keys_are_believed_and_without_any_nobody_gets_in() -> (
    None
):
    published = Published()
    check = published.check()
    assert await check.principal(token()) is not None
    published.away = True
    published.clock += ISSUER.keys_age_s + 1
    assert await check.principal(token()) is not None
    with pytest.raises(StorageUnavailable):
        await Published(away=True).check().principal(token())


async def test_tokens_open_the_gateway_beside_keys(serve: Serve) -> None:
    keys = MemoryKeyStore()
    access = KeyCheck(keys, "o" * 40, tokens=Published().check())
    assert await access.principal("o" * 40) == Principal("operator", "operator")
    gateway = await serve(keys=keys, access=access)

    async def status(path: str, shown: str) -> int:
        return (await gateway.http.get(path, headers=bearer(shown))).status_code

    assert await status("/v1/models", token()) == 200
    assert await status("/v1/keys", token()) == 403
    assert await status("/v1/keys", token(gateway_role="operator")) == 200
    assert await status("/v1/models", token(exp=time.time() - 60)) == 401


async def test_the_keys_are_read_from_the_url_that_the_operator_named(
    listen: Callable[[Any], AbstractAsyncContextManager[str]],
) -> None:
    published = Published()

    async def issuer(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        status = 200 if scope["path"] == "/keys" else 404
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": await published()})

    sessions = HttpSessions()
    async with listen(issuer) as url:
        told = {"issuer": ISSUER.issuer, "audience": "gateway", "jwks_url": f"{url}/keys"}
        auth = AuthSettings.model_validate({"enabled": True, "jwt": told})
        check = build_tokens(auth, sessions)
        assert check is not None
        who = await check.principal(token())
        assert who is not None
        assert (who.role, who.tenant) == ("app", "default")
        with pytest.raises(OSError, match="404"):
            await JwksSource(f"{url}/elsewhere", sessions)()
    await sessions.aclose()


def test_keys_are_fetched_over_https_only_but_from_this_machine() -> None:
    told = {"issuer": "i", "audience": "a", "jwks_url": "http://issuer.example/keys"}
    with pytest.raises(ValidationError, match="https"):
        AuthSettings.model_validate({"jwt": told})
