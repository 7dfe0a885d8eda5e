"""The rules."""

from __future__ import annotations

from gateway.access.audit import AuditLog
from gateway.access.audited import AuditedPolicies
from gateway.compose.error import CompositionError
from gateway.settings import Settings
from policies.allowance import Allowance
from policies.cedar.access import CedarAccess
from policies.cedar.reloading import ReloadedSet
from policies.errors import PolicyError
from policies.loader import DEFAULT, DEFAULT_CEDAR, load
from policies.policy import Policies


def build_policies(
    settings: Settings, audit: AuditLog, allowance: Allowance | None = None
) -> Policies:
    """The Cedar policies and the rules that are configured, else those that ship: both have to agree.

    What they decide stands in `audit`; `allowance` holds what rates have left.
    """
    try:
        rules = load(settings.policies.file or DEFAULT)
    except PolicyError as error:
        raise CompositionError(f"policies.file: {error}") from error
    try:
        access = CedarAccess(ReloadedSet(settings.policies.cedar or DEFAULT_CEDAR))
    except PolicyError as error:
        raise CompositionError(f"policies.cedar: {error}", "gateway policy check") from error
    return AuditedPolicies([access, rules], audit.record, lambda: access.version, allowance)
