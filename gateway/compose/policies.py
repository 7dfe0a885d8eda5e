"""The rules."""

from __future__ import annotations

from gateway.compose.error import CompositionError
from gateway.settings import Settings
from policies.loader import DEFAULT, PolicyError, load
from policies.policy import Policies


def build_policies(settings: Settings) -> Policies:
    """The rules of `policies.file`, else those that ship."""
    try:
        return load(settings.policies.file or DEFAULT)
    except PolicyError as error:
        raise CompositionError(f"policies.file: {error}") from error
