"""`/healthz`: the process answers. `/readyz`: it could do its work, or the reason why not."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from gateway.api.access import UsesServices

router = APIRouter(tags=["health"])

_READY_WITHIN_S = 2.5


@router.get("/healthz")
async def healthz(services: UsesServices) -> dict[str, Any]:
    """Whether the process answers at all."""
    return {"status": "ok", "version": services.version}


@router.get("/readyz")
async def readyz(services: UsesServices) -> JSONResponse:
    """Whether the intermediary would answer now; without it the gateway is of no use."""
    backend = services.models["intermediary"]
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            ready = await backend.ready()
    except TimeoutError:
        ready = False
    if ready:
        return JSONResponse({"status": "ready"})
    reason = f"the intermediary, {backend.model}, does not answer"
    return JSONResponse({"status": "not ready", "reason": reason}, status_code=503)
