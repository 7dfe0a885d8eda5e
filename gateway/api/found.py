"""What a path names and its tenant has; 404 for what is not there, or another's."""

from __future__ import annotations

from gateway.api.errors import ApiError
from gateway.services import Services
from gateway.storage.runs import RunView


async def find_run(services: Services, tenant: str, run_id: str) -> RunView:
    """A run that is kept, of this tenant. Raises `ApiError` 404."""
    run = await services.store.get(tenant, run_id)
    if run is None:
        problem = f"no run {run_id[:64]!r} here; runs are kept for a limited time"
        raise ApiError(404, problem, code="run_not_found")
    return run
