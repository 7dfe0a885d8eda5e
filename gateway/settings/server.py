"""`server`: where the gateway listens."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import Field

from gateway.settings.section import Section


class ServerSettings(Section):
    """Where the gateway listens. `--host`, `--port` and `--workers` go first."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Another than a loopback address also needs `auth.enabled`, or the flag `--insecure-no-auth`."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """0: any free port."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes. Each has its own registry of tools; with `storage.url: memory:`, its own runs too."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
