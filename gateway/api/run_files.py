"""`GET /v1/runs/{id}/files/{handle}`: an image or file that a tool brought, for the run's owner.

The bytes are a stranger's: they are handed over as a download, under a type that no browser runs (and with `nosniff`,
as every answer is).
"""

from __future__ import annotations

import mimetypes

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from gateway.api.access import Tenant, UsesServices
from gateway.api.errors import ApiError
from gateway.api.found import find_run

router = APIRouter(prefix="/v1/runs", tags=["runs"])

_AS_THEY_ARE = frozenset(
    {
        "application/pdf",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
    }
)
_ANY = "application/octet-stream"


@router.get("/{run_id}/files/{handle}")
async def get_file(
    run_id: str, handle: str, services: UsesServices, tenant: Tenant
) -> StreamingResponse:
    """The bytes, as they come from the store. 404 for another tenant's run, and for what is kept no more."""
    await find_run(services, tenant, run_id)
    file = await services.files.get(tenant, run_id, handle)
    if file is None:
        raise ApiError(404, f"this run has no file {handle[:40]!r} any more", code="file_not_found")
    claimed = file.media_type.partition(";")[0].strip().lower()
    media_type = claimed if claimed in _AS_THEY_ARE else _ANY
    ending = mimetypes.guess_extension(media_type) or ".bin"
    headers = {
        "content-disposition": f'attachment; filename="{handle}{ending}"',
        "content-security-policy": "default-src 'none'; sandbox",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "private, no-store",
        "content-length": str(file.size),
    }
    pieces = services.files.pieces(tenant, run_id, handle)
    return StreamingResponse(pieces, media_type=media_type, headers=headers)
