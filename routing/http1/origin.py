"""Where an engine is, and how what is asked of it is addressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlsplit

_PORTS = {"http": 80, "https": 443}
_AS_THEY_ARE = "/%:@!$&'()*+,;=-._~?"


@dataclass(frozen=True, slots=True)
class Origin:
    """A scheme, host and port. `host` is as it is looked up: an IPv6 address without brackets, a name in ASCII."""

    host: str
    port: int
    is_secure: bool

    @classmethod
    def of(cls, url: str) -> Self:
        """The origin of an absolute URL. Raises ValueError where it has none, or credentials."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"{url!r} is no http or https URL")
        if parts.username is not None or parts.password is not None:
            raise ValueError("a URL of an engine holds no credentials; use its `api_key`")
        host = parts.hostname
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
        return cls(host, parts.port or _PORTS[parts.scheme], parts.scheme == "https")

    @property
    def authority(self) -> str:
        """What `Host` says: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = _PORTS["https" if self.is_secure else "http"]
        return host if self.port == usual else f"{host}:{self.port}"


def target_of(url: str) -> str:
    """The path and query of a URL as a request line has them: ASCII, without spaces."""
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return quote(path, safe=_AS_THEY_ARE)
