"""Which network addresses a tool may be sent to: the guard against request forgery.

What it is: one question about an address, and an aiohttp resolver that asks it of every address a name
resolves to. aiohttp connects to exactly what the resolver gave, so a name that changes its answer between
check and connection (DNS rebinding) gains nothing.
What it is not: a guard for literal addresses in URLs, which never reach a resolver; `tools.executors.http`
asks `is_public` for those.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult

_NAT64 = IPv6Network("64:ff9b::/96")
_REFUSED = (
    ip_network("168.63.129.16/32"),  # Azure's host services, on a public address
    ip_network("192.88.99.0/24"),  # 6to4 relays
    ip_network("64:ff9b:1::/48"),  # NAT64 for local use
    ip_network("::/96"),  # IPv4-compatible
    ip_network("fec0::/10"),  # site-local, deprecated and still routed by some
)


class RefusedAddress(OSError):
    """A name leads to an address that tools may not reach. aiohttp wraps it as the cause."""


def is_public(host: str) -> bool:
    """Whether a literal address is a public unicast one, also when it embeds an IPv4 address.

    Raises `ValueError` when `host` is no literal address.
    """
    address = ip_address(host.strip("[]").partition("%")[0])
    return _is_public(address)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and (inner := _embedded(address)) is not None:
        return _is_public(inner)
    if any(address in network for network in _REFUSED if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


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
