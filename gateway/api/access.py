"""What every route other than the hot one shares: the services, and who is asking."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from gateway.api.auth import Caller
from gateway.services import Services


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _tenant(caller: Caller) -> str:
    return caller.tenant


UsesServices = Annotated[Services, Depends(_services)]
Tenant = Annotated[str, Depends(_tenant)]
