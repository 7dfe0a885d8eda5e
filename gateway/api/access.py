"""What every route other than the hot one shares: the services, and who is asking."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from gateway.api.auth import Caller
from gateway.authoring import Authoring
from gateway.services import Services


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _authoring(request: Request) -> Authoring:
    authoring: Authoring = request.app.state.authoring
    return authoring


def _tenant(caller: Caller) -> str:
    return caller.tenant


UsesServices = Annotated[Services, Depends(_services)]
Authors = Annotated[Authoring, Depends(_authoring)]
Tenant = Annotated[str, Depends(_tenant)]
