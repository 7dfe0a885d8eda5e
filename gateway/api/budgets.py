"""`/v1/budgets`: what may be spent on models, what was, and when it is filled again."""

from __future__ import annotations

import math
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from gateway.api.access import UsesServices
from gateway.api.auth import Caller, require
from gateway.api.encoding import document
from gateway.budgets import Standing
from gateway.storage.accounts import NANO

router = APIRouter(prefix="/v1/budgets", tags=["budgets"])


@router.get("")
async def list_budgets(
    services: UsesServices,
    caller: Caller,
    *,
    tenant: Annotated[str | None, Query(description="Another's; for operators.")] = None,
    key: Annotated[str | None, Query(description="Another's public id; for operators.")] = None,
) -> Response:
    """The budgets that hold for the caller, with what is left of each."""
    if tenant is not None or key is not None:
        require(caller, "operator")
    whose = tenant or caller.tenant
    asked = caller.key if tenant is None and key is None else key or ""
    standing = await services.till.standing(whose, asked)
    return document({"object": "list", "data": [_told(each) for each in standing]})


def _told(standing: Standing) -> dict[str, Any]:
    budget, line, balance = standing.budget, standing.line, standing.balance
    return {
        "object": "budget",
        "name": budget.name,
        "per": budget.per,
        "every": budget.every,
        "period": line.period,
        "limit_usd": budget.usd,
        "spent_usd": balance.spent / NANO,
        "reserved_usd": balance.reserved / NANO,
        "left_usd": standing.left_usd,
        "filled_at": line.ends_at if math.isfinite(line.ends_at) else None,
    }
