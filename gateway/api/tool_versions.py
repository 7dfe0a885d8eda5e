"""`/v1/tools/{name}/versions`: the versions of a tool, which of them is called, and by what names."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.api.access import Authors, UsesServices
from gateway.api.asgi import parse_object, read_body, require_json
from gateway.api.auth import Caller, needs
from gateway.api.openapi import json_body
from gateway.api.tools import not_authored, require_register
from gateway.api.wire import refusal
from gateway.authoring import NotAuthored
from tools.declared import Alias
from tools.versions import History, Version

router = APIRouter(prefix="/v1/tools", tags=["tools"])


class Change(BaseModel):
    """What is to be of a version; what is not named stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    current: bool = False
    """It is called from now on: taken into use, or rolled back to."""
    share: Annotated[float | None, Field(ge=0, le=1)] = None
    """The share of the runs that try it; 0 ends that."""
    alias: Alias | None = None
    """A name for it, such as `stable`; taken from the version that had it."""
    deprecated: Annotated[str | None, Field(max_length=500)] = None
    """A word for those who still use it; the empty text takes it back."""

    def apply(self, history: History, number: int) -> History:
        """Raises `UnknownTool` for a version that is not there, `RegistrationError`."""
        history.find(str(number))
        if self.alias is not None:
            history = history.with_alias(number, self.alias)
        if self.deprecated is not None:
            history = history.with_deprecation(number, self.deprecated or None)
        if self.current:
            history = history.with_current(number)
        return history if self.share is None else history.with_canary(number, self.share)


@router.get("/{name}/versions")
async def tool_versions(name: str, services: UsesServices, authors: Authors) -> dict[str, Any]:
    """The versions that are kept, the oldest first."""
    await authors.refresh()
    history = services.registry.history(name)
    versions = [_describe(history, each) for each in history.versions.values()]
    return {"object": "list", "data": versions}


@router.post(
    "/{name}/versions/{version}",
    openapi_extra=json_body(Change),
    dependencies=[Depends(needs("author"))],
)
async def change_version(
    name: str,
    version: int,
    *,
    request: Request,
    services: UsesServices,
    authors: Authors,
    caller: Caller,
) -> dict[str, Any]:
    """Call this version from now on, let a share of the runs try it, name it, deprecate it."""
    require_json(request.scope)
    body = await read_body(request.scope, request.receive, services.max_body_bytes)
    try:
        change = Change.model_validate(parse_object(body))
    except ValidationError as error:
        raise refusal(error) from error
    await authors.refresh()
    require_register(services, caller, services.registry.get(name))
    try:
        history = await authors.revise(name, lambda history: change.apply(history, version))
    except NotAuthored as error:
        raise not_authored(error) from error
    return _describe(history, history.find(str(version)))


def _describe(history: History, version: Version) -> dict[str, Any]:
    number, canary = version.number, history.canary
    return {
        "object": "tool.version",
        "name": history.name,
        "version": number,
        "hash": version.digest,
        "current": number == history.current,
        "share": canary.share if canary is not None and canary.version == number else None,
        "aliases": [alias for alias, named in history.aliases.items() if named == number],
        "deprecated": version.deprecated,
    }
