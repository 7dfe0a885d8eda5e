"""The strategy of escalation that the settings spell, and what it needs to be told."""

from __future__ import annotations

from gateway.settings.escalation import EscalationSettings
from routing.escalation import Strategy
from routing.escalation_text import MEASURING, any_of, default, names_in, read


def build_strategy(settings: EscalationSettings) -> Strategy:
    """Everything that may send a decision to the expert, joined with `|`."""
    if settings.strategies is None:
        return default()
    return any_of([read(each) for each in settings.strategies])


def measures(settings: EscalationSettings) -> bool:
    """Whether a strategy reads log-probabilities."""
    used = frozenset[str]().union(*map(names_in, settings.strategies or ()))
    return settings.calibration is not None or bool(used & MEASURING)
