"""The guard of `tools.executors.addresses` at the resolver. Apart from it, since it needs aiohttp."""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from tools.executors.addresses import RefusedAddress, is_public


class GuardedResolver(AbstractResolver):
    """Gives another resolver's answer when every address in it is public, else `RefusedAddress`."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for each in found:
            if not is_public(each["host"]):
                raise RefusedAddress(f"{host} leads to a private address")
        return found

    async def close(self) -> None:
        await self._inner.close()
