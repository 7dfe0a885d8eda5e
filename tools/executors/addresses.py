"""Which network addresses a tool may be sent to: the guard against request forgery.

What it is: one question about an address, asked three times, each time of what is used next:
- of a literal in a URL (`refusal`), where the spellings that only `inet_aton` reads (decimal, octal,
  hexadecimal, short) are refused, whatever they lead to;
- of every address that a name resolves to (`tools.executors.guarded_resolver`);
- of the address that a socket is about to be connected to (`guarded_socket`). Nothing is looked up after
  it, so a name that changes its answer between check and connection (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from unicodedata import normalize

_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)
_NUMERIC = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)(?:\.(?:0[xX][0-9a-fA-F]*|[0-9]+))*\.?")
_LOCAL = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
_REFUSED = (
    ip_network("168.63.129.16/32"),  # Azure's host services, on a public address
    ip_network("192.0.0.0/24"),  # protocol assignments; Oracle's metadata is at 192.0.0.192
    ip_network("192.88.99.0/24"),  # 6to4 relays
    ip_network("64:ff9b:1::/48"),  # NAT64 for local use
    ip_network("::/96"),  # IPv4-compatible
    ip_network("::ffff:0:0:0/96"),  # IPv4-translated
    ip_network("3fff::/20"),  # documentation
    ip_network("fec0::/10"),  # site-local, deprecated and still routed by some
)


class RefusedAddress(OSError):
    """A name leads to an address that tools may not reach. aiohttp wraps it as the cause."""


def refusal(host: str) -> str | None:
    """Why a host in a URL may not be asked; None when it may, or is a name, which is judged resolved."""
    name = host.rstrip(".").lower()
    if not name or name in _LOCAL or name.endswith(".localhost"):
        return f"{host} is this machine"
    try:
        public = is_public(host)
    except ValueError:
        plain = normalize("NFKC", host).replace("。", ".")
        disguised = _NUMERIC.fullmatch(plain) or "%" in host
        return f"{host!r} is no plain name or address" if disguised else None
    return None if public else f"{host} is a private address"


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
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def guarded_socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket for one connection, for aiohttp's connector. `address` is as `getaddrinfo` gives it.

    Raises `RefusedAddress` when it leads anywhere but to a public address.
    """
    family, kind, protocol, _, target = address
    host = str(target[0])
    try:
        public = is_public(host)
    except ValueError:
        public = False
    if not public:
        raise RefusedAddress(f"{host} is a private address")
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)  # noqa: FBT003 - the socket's own signature
    return made
