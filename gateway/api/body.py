"""Reading a JSON body into a model, within bounds: for routes whose bodies FastAPI would read whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from gateway.api.asgi import parse_object, read_body, require_json
from gateway.api.wire import refusal
from gateway.services import Services

Body = TypeVar("Body", bound=BaseModel)


async def read_model(kind: type[Body], request: Request, *, optional: bool = False) -> Body:
    """The body as `kind`; where it is `optional`, none is an empty object.

    Raises `ApiError`: 413 for too long a body, 415 for another type, 400 with the parameter at fault.
    """
    services: Services = request.app.state.services
    require_json(request.scope)
    body = await read_body(request.scope, request.receive, services.max_body_bytes)
    try:
        return kind.model_validate(parse_object(body) if body.strip() or not optional else {})
    except ValidationError as error:
        raise refusal(error) from error


def body_of(kind: type[Body]) -> Callable[[Request], Awaitable[Body]]:
    """`read_model` as what a route depends on."""

    async def read(request: Request) -> Body:
        return await read_model(kind, request)

    return read
