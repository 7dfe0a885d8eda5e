"""The check of an issuer's tokens, where one is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.settings.auth import AuthSettings
from tools.executors.http_session import HttpSessions

if TYPE_CHECKING:
    from gateway.access.tokens import TokenCheck


def build_tokens(auth: AuthSettings, sessions: HttpSessions) -> TokenCheck | None:
    """None where no issuer is named. Its keys are fetched when the first token comes."""
    if auth.jwt is None:
        return None
    from gateway.access.tokens import Issuer, TokenCheck
    from gateway.compose.jwks import JwksSource

    told = auth.jwt
    issuer = Issuer(told.issuer, told.audience, told.role_claim, told.tenant_claim, told.keys_age_s)
    return TokenCheck(issuer, JwksSource(str(told.jwks_url), sessions))
