"""`/v1/models`: the names that a request may ask for, in OpenAI's shape."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from gateway.api.access import UsesServices
from gateway.api.errors import ApiError
from gateway.services import Services

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("")
async def list_models(services: UsesServices) -> dict[str, Any]:
    """`gateway` routes; `intermediary` and, where configured, `expert` pin one model."""
    return {"object": "list", "data": _models(services)}


@router.get("/{model_id}")
async def get_model(model_id: str, services: UsesServices) -> dict[str, Any]:
    """One of the names that `model` may take."""
    for model in _models(services):
        if model["id"] == model_id:
            return model
    problem = f"no model {model_id[:64]!r} here"
    raise ApiError(404, problem, param="model", code="model_not_found")


def _models(services: Services) -> list[dict[str, Any]]:
    routed: dict[str, Any] = {
        "id": "gateway",
        "object": "model",
        "created": services.started_at,
        "owned_by": "gateway",
    }
    pinned = [
        {
            "id": role,
            "object": "model",
            "created": services.started_at,
            "owned_by": "gateway",
            "serves": backend.model,
            "context_tokens": backend.context_tokens,
        }
        for role, backend in services.models.items()
    ]
    return [routed, *pinned]
