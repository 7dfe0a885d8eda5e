"""`/v1/tools/{name}/report`: what will go wrong with a tool, told before it does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from gateway.api.access import Authors, UsesServices
from gateway.tool_report import tool_report
from gateway.tool_report_data import as_data

router = APIRouter(prefix="/v1/tools", tags=["tools"])


@router.get("/{name}/report")
async def report_tool(name: str, services: UsesServices, authors: Authors) -> dict[str, Any]:
    """Grade, advice, tokens, and what each target makes of the schema, for the version in use."""
    await authors.refresh()
    spec = services.registry.get(name)
    return as_data(await tool_report(spec, services.registry, services.models))
