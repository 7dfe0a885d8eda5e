"""Effects: what calls did to the world, as the ledger has it, and a person's word on what nobody knows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.access import Tenant, UsesServices
from gateway.api.auth import Caller, needs
from gateway.api.body import body_of
from gateway.api.encoding import document
from gateway.api.errors import ApiError
from gateway.api.found import find_run
from gateway.api.openapi import json_body
from gateway.storage.ledger import Entry, Place, Receipt

router = APIRouter(prefix="/v1", tags=["effects"])


class Resolution(BaseModel):
    """What a person found out: whether the call took effect, and how they know."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["done", "not_done"]
    note: Annotated[str, Field(max_length=2_000)] = ""


@router.get("/effects")
async def list_unknown(
    services: UsesServices, tenant: Tenant, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Response:
    """The effects of which nobody knows whether they took place, the oldest first."""
    waiting = await services.writes.ledger.unknown(tenant, limit)
    return document({"object": "list", "data": [described(entry) for entry in waiting]})


@router.get("/runs/{run_id}/effects")
async def list_effects(run_id: str, services: UsesServices, tenant: Tenant) -> Response:
    """A run's effects in the order in which they were begun."""
    entries = await services.writes.ledger.of_run(tenant, run_id)
    if not entries:
        await find_run(services, tenant, run_id)
    return document({"object": "list", "data": [described(entry) for entry in entries]})


@router.post(
    "/runs/{run_id}/effects/{effect_id}",
    dependencies=[Depends(needs("operator"))],
    openapi_extra=json_body(Resolution),
)
async def resolve_effect(
    run_id: str,
    effect_id: str,
    body: Annotated[Resolution, Depends(body_of(Resolution))],
    services: UsesServices,
    caller: Caller,
) -> Response:
    """Say what became of an unknown effect; the same word again changes nothing, another is a 409."""
    place, ledger = Place(caller.tenant, run_id, effect_id), services.writes.ledger
    said = Receipt(body.outcome, "person", note=body.note)
    entry = await ledger.close(place, said, ("unknown",))
    if entry is None:
        entry = await ledger.get(place)
        if entry is None:
            raise ApiError(
                404, f"no effect {effect_id[:64]!r} in this run", code="effect_not_found"
            )
        if (entry.state, entry.by) != (body.outcome, "person"):
            problem = f"the effect is not unknown: it is {entry.state}"
            raise ApiError(409, problem, code="effect_settled")
    await services.audit.write(caller, f"effect_{body.outcome}", effect_id, run_id)
    return document(described(entry))


def described(entry: Entry) -> dict[str, Any]:
    """An entry as the surface tells it."""
    intent = entry.intent
    return {
        "object": "effect",
        "id": intent.place.id,
        "run_id": intent.place.run_id,
        "name": intent.tool,
        "arguments": intent.arguments,
        "idempotency_key": intent.key,
        "state": entry.state,
        "settled_by": entry.by or None,
        "note": entry.note,
        "result": entry.result,
        "created_at": entry.created_at,
        "changed_at": entry.changed_at,
    }
