"""What bounds the calls that reach one upstream, as it is declared: values, and none of the counting.

The counting is `tools.wrappers.upstream`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from tools.declared import BreakerKind


class Bounding(Protocol):
    """What declares them: a registration, an entry of the configuration or of a manifest, an override."""

    @property
    def max_concurrent(self) -> int | None: ...
    @property
    def max_per_minute(self) -> float | None: ...
    @property
    def breaker(self) -> BreakerKind | None: ...


@dataclass(frozen=True, slots=True)
class UpstreamBounds:
    """Calls at once and beginnings in a minute, None: any number. `breaker` None: the usual one."""

    max_concurrent: int | None = None
    max_per_minute: float | None = None
    breaker: BreakerKind | None = None

    @classmethod
    def of(cls, told: Bounding) -> UpstreamBounds:
        """Those that `told` declares."""
        return cls(told.max_concurrent, told.max_per_minute, told.breaker)

    def over(self, others: UpstreamBounds) -> UpstreamBounds:
        """Those that are said here, else the others."""
        return UpstreamBounds(
            others.max_concurrent if self.max_concurrent is None else self.max_concurrent,
            others.max_per_minute if self.max_per_minute is None else self.max_per_minute,
            self.breaker or others.breaker,
        )

    def as_data(self) -> dict[str, Any]:
        """Those that are said, as JSON."""
        breaker = self.breaker and self.breaker.model_dump()
        all_ = {
            "max_concurrent": self.max_concurrent,
            "max_per_minute": self.max_per_minute,
            "breaker": breaker,
        }
        return {name: value for name, value in all_.items() if value is not None}


UNBOUNDED = UpstreamBounds()
