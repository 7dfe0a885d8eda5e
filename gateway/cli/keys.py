"""`gateway keys`: who may call. Works on the store that the configuration names, without a running gateway."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.cli.exits import CommandError, Exit, explained
from gateway.cli.stored import in_stores

if TYPE_CHECKING:
    from gateway.access.issuing import Issued
    from gateway.compose.stores import Stores
    from gateway.storage.keys import Key, KeyStore

app = typer.Typer(help="API keys: create, list, revoke, rotate.", no_args_is_help=True)

Config = Annotated[Path | None, typer.Option(help="The configuration file (YAML).")]
KeyId = Annotated[str, typer.Argument(help="The key's id: 12 digits, the middle part of a key.")]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_ID = re.compile(r"(?:gwk_)?([0-9a-f]{12})")
_TENANT = re.compile(r"[A-Za-z0-9._-]{1,64}")
_Done = TypeVar("_Done")


@app.command()
def create(
    *,
    role: Annotated[str, typer.Option(help="app, author or operator.")] = "app",
    tenant: Annotated[str, typer.Option(help="Whose things it sees.")] = "default",
    name: Annotated[str, typer.Option(help="For people: what the key is for.")] = "",
    expires: Annotated[
        str | None, typer.Option(help="For how long it is valid: 90d, 12h; else until revoked.")
    ] = None,
    config: Config = None,
) -> None:
    """Make a key and print it, this once; what is about it goes to standard error."""
    from gateway.access import issuing
    from gateway.access.principal import ROLES

    with explained():
        if role not in ROLES:
            raise _usage(f"there is no role {role}", f"one of {', '.join(ROLES)}")
        if not _TENANT.fullmatch(tenant):
            raise _usage(f"{tenant} can't be a tenant", "letters, digits, dots, dashes; at most 64")
        lasts = None if expires is None else _seconds(expires)
        issued = _acted(
            config,
            "create_key",
            "",
            lambda keys: issuing.create(
                keys, tenant=tenant, role=role, name=name, expires_in_s=lasts
            ),
        )
        _tell(issued)


@app.command("list")
def list_keys(*, config: Config = None) -> None:
    """List the keys, newest first; secrets are kept nowhere."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    with explained():
        found = in_stores(config, lambda stores: stores.keys.list())
    table = Table("key", "role", "tenant", "name", "made", "state", box=None, pad_edge=False)
    for key in found:
        made = _day(key.created_at)
        table.add_row(f"gwk_{key.id}", key.role, key.tenant, escape(key.name), made, _state(key))
    Console().print(table)


@app.command()
def revoke(key_id: KeyId, *, config: Config = None) -> None:
    """Make a key invalid for ever; running gateways know within `auth.key_age_s` seconds."""
    with explained():
        known = _id(key_id)
        if (
            _acted(config, "revoke_key", known, lambda keys: keys.revoke(known, time.time()))
            is None
        ):
            raise CommandError(f"there is no key {known}", "gateway keys list", code=Exit.NO)
    typer.echo(f"revoked gwk_{known}", err=True)


@app.command()
def rotate(
    key_id: KeyId,
    *,
    grace: Annotated[str, typer.Option(help="How long the old one stays valid: 24h.")] = "0s",
    config: Config = None,
) -> None:
    """Make a key in place of another, and print it."""
    from gateway.access import issuing

    with explained():
        known, grace_s = _id(key_id), _seconds(grace)
        issued = _acted(
            config,
            "rotate_key",
            known,
            lambda keys: issuing.rotate(keys, known, grace_s=grace_s),
        )
        if issued is None:
            raise CommandError(f"there is no valid key {known}", "gateway keys list", code=Exit.NO)
        _tell(issued)


def _acted(
    config: Path | None, action: str, what: str, act: Callable[[KeyStore], Awaitable[_Done]]
) -> _Done:
    """Acts on the keys, and says so in the audit log, where the command line has no key of its own."""
    from gateway.access.audit import AuditLog
    from gateway.access.principal import ANYONE

    async def both(stores: Stores) -> _Done:
        done = await act(stores.keys)
        if done is not None:
            made = getattr(getattr(done, "key", None), "id", what)
            await AuditLog(stores.audit).write(ANYONE, action, made)
        return done

    return in_stores(config, both)


def _tell(issued: Issued) -> None:
    key = issued.key
    until = "until it is revoked" if key.expires_at is None else f"until {_day(key.expires_at)}"
    typer.echo(f"role {key.role}, tenant {key.tenant}, valid {until}; shown this once:", err=True)
    typer.echo(issued.minted.text)


def _state(key: Key) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    if key.expires_at is None:
        return "valid"
    return f"{'valid until' if key.is_valid(time.time()) else 'expired'} {_day(key.expires_at)}"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def _id(given: str) -> str:
    """The id in what was given; never repeated, because it may be a whole key."""
    found = _ID.fullmatch(given)
    if found is None:
        raise _usage("that is no id of a key", "12 digits, as in `gateway keys list`")
    return found[1]


def _seconds(given: str) -> float:
    number, unit = given[:-1], given[-1:]
    if not number.isdecimal() or unit not in _UNITS:
        raise _usage(f"{given} is no length of time", "such as 30m, 12h, 90d")
    return float(int(number) * _UNITS[unit])


def _usage(problem: str, hint: str) -> CommandError:
    return CommandError(problem, hint, code=Exit.USAGE)
