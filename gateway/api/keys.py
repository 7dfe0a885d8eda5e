"""`/v1/keys`: API keys over REST, for operators. A secret is in the answer that makes it, and nowhere else."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.access.issuing import Issued, create, rotate
from gateway.access.principal import DEFAULT_TENANT, KeyRole
from gateway.access.secret import PREFIX
from gateway.api.access import UsesServices
from gateway.api.auth import Caller, needs
from gateway.api.body import read_model
from gateway.api.errors import ApiError
from gateway.api.openapi import json_body
from gateway.services import Services
from gateway.storage.keys import Key

router = APIRouter(prefix="/v1/keys", tags=["keys"], dependencies=[Depends(needs("operator"))])

_YEARS_S = 10 * 366 * 86_400
_KEY_ID = re.compile(r"[0-9a-f]{12}")


class NewKey(BaseModel):
    """What a key is for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    role: KeyRole = "app"
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = DEFAULT_TENANT
    name: Annotated[str, Field(max_length=100)] = ""
    expires_in_s: Annotated[float | None, Field(gt=0, le=_YEARS_S)] = None


class Rotation(BaseModel):
    """How long the old key stays valid beside the new one."""

    model_config = ConfigDict(extra="forbid", strict=True)

    grace_s: Annotated[float, Field(ge=0, le=_YEARS_S)] = 0.0


@router.post("", status_code=201, openapi_extra=json_body(NewKey))
async def create_key(request: Request, services: UsesServices, caller: Caller) -> dict[str, Any]:
    """Make a key. `key` in the answer is the secret: it is told this once."""
    asked = await read_model(NewKey, request)
    issued = await create(
        services.keys,
        tenant=asked.tenant,
        role=asked.role,
        name=asked.name,
        expires_in_s=asked.expires_in_s,
        made_by=caller.key,
    )
    await services.audit.write(caller, "create_key", issued.key.id)
    return _told_once(issued)


@router.get("")
async def list_keys(services: UsesServices) -> dict[str, Any]:
    """All keys of all tenants, valid or not, newest first, without secrets."""
    return {"object": "list", "data": [_describe(key) for key in await services.keys.list()]}


@router.delete("/{key_id}")
async def revoke_key(key_id: str, services: UsesServices, caller: Caller) -> dict[str, Any]:
    """Make a key invalid for ever, at once."""
    key = await services.keys.revoke(_known(key_id), time.time())
    if key is None:
        raise _not_found(key_id)
    _forget(services, key_id)
    await services.audit.write(caller, "revoke_key", key.id)
    return _describe(key)


@router.post("/{key_id}/rotate", status_code=201, openapi_extra=json_body(Rotation))
async def rotate_key(
    key_id: str, request: Request, services: UsesServices, caller: Caller
) -> dict[str, Any]:
    """Make a key in place of this one, which stays valid for `grace_s` seconds."""
    asked = await read_model(Rotation, request)
    old = _known(key_id)
    issued = await rotate(services.keys, old, grace_s=asked.grace_s, made_by=caller.key)
    if issued is None:
        raise _not_found(key_id)
    _forget(services, old)
    await services.audit.write(caller, "rotate_key", f"{old} {issued.key.id}")
    return _told_once(issued)


def _describe(key: Key) -> dict[str, Any]:
    return {
        "object": "key",
        "id": key.id,
        "prefix": f"{PREFIX}{key.id}",
        "name": key.name,
        "role": key.role,
        "tenant": key.tenant,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "valid": key.is_valid(time.time()),
        "made_by": key.made_by or None,
        "replaces": key.replaces or None,
    }


def _told_once(issued: Issued) -> dict[str, Any]:
    return {**_describe(issued.key), "key": issued.minted.text}


def _forget(services: Services, key_id: str) -> None:
    if services.access is not None:
        services.access.forget(key_id)


def _known(key_id: str) -> str:
    """The id, if it can be one: what else stands in a path may be a secret, and is not looked up."""
    if _KEY_ID.fullmatch(key_id) is None:
        raise _not_found(key_id)
    return key_id


def _not_found(key_id: str) -> ApiError:
    shown = f" {key_id}" if _KEY_ID.fullmatch(key_id) else ""
    return ApiError(404, f"no valid key{shown} here", code="key_not_found")
