"""The strategy of escalation that the settings spell, and what it needs to be told."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.compose.error import CompositionError
from gateway.settings.escalation import EscalationSettings
from routing.backend import ModelBackend, tells_logprobs
from routing.calibration import Calibration, CalibrationError
from routing.escalation import Strategy
from routing.escalation_text import MEASURING, any_of, default, names_in, read


def build_strategies(
    settings: EscalationSettings, intermediary: ModelBackend
) -> tuple[Strategy, dict[str, Strategy]]:
    """Everything that may send a decision to the expert, joined with `|`; and the same by tenant."""
    calibration = _calibration(settings, intermediary)

    def joined(expressions: Sequence[str]) -> Strategy:
        return any_of([read(each, calibration, settings.thresholds) for each in expressions])

    shipped = default(calibration, settings.thresholds)
    usual = shipped if settings.strategies is None else joined(settings.strategies)
    return usual, {glob: joined(each) for glob, each in settings.tenants.items()}


def measures(settings: EscalationSettings) -> bool:
    """Whether a strategy reads log-probabilities."""
    used = frozenset[str]().union(*map(names_in, settings.expressions))
    return settings.calibration is not None or bool(used & MEASURING)


def _calibration(settings: EscalationSettings, intermediary: ModelBackend) -> Calibration | None:
    """The file that is configured; it has to be this model's, or its probabilities mean nothing."""
    if settings.calibration is None:
        return None
    try:
        made = Calibration.read(settings.calibration)
    except CalibrationError as error:
        raise CompositionError(f"escalation.calibration: {error}") from error
    if made.model != intermediary.model:
        problem = f"was fitted on {made.model!r}; the intermediary is {intermediary.model!r}"
        raise CompositionError(f"escalation.calibration: {settings.calibration} {problem}")
    if made.is_measured and not tells_logprobs(intermediary):
        problem = "needs log-probabilities, which the intermediary does not tell"
        raise CompositionError(f"escalation.calibration: {settings.calibration} {problem}")
    return made
