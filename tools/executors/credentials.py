"""Credentials of an API, put into a request from secrets that are looked up at each call.

What it is: the three ways that OpenAPI knows and that need no exchange: a key in a header or the query, a
bearer token, a user with a password. A secret is a variable's name until the request is made.
What it is not: OAuth flows. A token that was got elsewhere is a bearer token.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from tools.executors.http_template import Secrets, look_up


@dataclass(frozen=True, slots=True)
class Credential:
    """One scheme: what `variable` holds goes into the header or query parameter `name`.

    `bearer` and `basic` go into `Authorization`; for `basic` the variable holds `user:password`.
    """

    kind: Literal["header", "query", "bearer", "basic"]
    variable: str
    name: str = "Authorization"


@dataclass(frozen=True, slots=True)
class Filling:
    """What goes into the request, and every spelling of the secrets that an answer must not show."""

    headers: tuple[tuple[str, str], ...]
    query: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Credentials:
    """All that one operation needs."""

    each: tuple[Credential, ...] = ()

    def fill(self, secrets: Secrets) -> Filling:
        """Look the secrets up. Raises `ToolUnavailable` when one is not set."""
        headers: list[tuple[str, str]] = []
        query: list[tuple[str, str]] = []
        used: list[str] = []
        for one in self.each:
            secret = look_up(one.variable, secrets)
            used += [secret, quote(secret, safe="")]
            match one.kind:
                case "header":
                    headers.append((one.name, secret))
                case "query":
                    query.append((one.name, secret))
                case "bearer":
                    headers.append((one.name, f"Bearer {secret}"))
                case "basic":
                    encoded = b64encode(secret.encode()).decode()
                    user, _, password = secret.partition(":")
                    used += [encoded, password or user]  # some take a key for the user, alone
                    headers.append((one.name, f"Basic {encoded}"))
        return Filling(tuple(headers), tuple(query), tuple(text for text in used if text))


NO_CREDENTIALS = Credentials()
