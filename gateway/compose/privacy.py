"""What the settings call private, as detectors."""

from __future__ import annotations

from gateway.settings.privacy import PrivacySettings
from policies.filters.known import KNOWN
from policies.filters.listed import pattern, words
from policies.filters.sieve import Detector


def build_private(settings: PrivacySettings) -> tuple[Detector, ...] | None:
    """None where the boundary is off."""
    if not settings.enabled:
        return None
    found: list[Detector] = [each for kind in settings.find for each in KNOWN[kind]]
    if settings.words:
        found.append(words(settings.words))
    return (*found, *map(pattern, settings.patterns))
