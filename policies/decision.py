"""What a policy says about a call: `Allow | Deny | RequireApproval`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allow:
    """Go on."""


@dataclass(frozen=True, slots=True)
class Deny:
    """Don't. `reason` is read by the model and the app; `rule` names what decided.

    `retry_after_s` is set where waiting so many seconds helps.
    """

    reason: str
    rule: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class RequireApproval:
    """Not without a person. The run is interrupted until someone decides."""

    reason: str
    rule: str


Decision = Allow | Deny | RequireApproval

ALLOW = Allow()
