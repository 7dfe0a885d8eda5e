"""Strategies over the calls that the intermediary is about to make: how sure was it, was it said?

Each looks at the calls to tools that match `tool` (a glob) and whose effect is at least `effect` (read,
write, destroy), so that one can be stricter where more is at stake. A measure that is not known never
raises a doubt by itself; `Unmeasured` is for those who want to know.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Protocol

from routing.confidence import CallEvidence
from routing.escalation import Evidence, Reason, Strategy

EFFECTS = ("read", "write", "destroy")
"""From the least to the most that a call can do."""


class _OverCalls(Strategy):
    """The first proposed call within reach that is in doubt decides."""

    def __init__(self, *, tool: str = "*", effect: str = "read") -> None:
        self._tool = tool
        self._from = EFFECTS.index(effect)
        self.doubts_reads = self._from == EFFECTS.index("read")

    def __call__(self, evidence: Evidence) -> Reason | None:
        for call in evidence.proposed:
            in_reach = EFFECTS.index(call.effect) >= self._from
            if in_reach and fnmatchcase(call.tool, self._tool) and (why := self._doubt(call)):
                return why
        return None

    @abstractmethod
    def _doubt(self, call: CallEvidence) -> Reason | None: ...


class LowMargin(_OverCalls):
    """The tool was chosen, or calling at all, with less than `nats` over the next best thing."""

    def __init__(self, nats: float = 1.0, *, tool: str = "*", effect: str = "read") -> None:
        super().__init__(tool=tool, effect=effect)
        self._nats = nats

    def _doubt(self, call: CallEvidence) -> Reason | None:
        for margin, what in ((call.name_margin, "this tool"), (call.call_margin, "calling")):
            if margin is not None and margin < self._nats:
                return Reason("low_margin", f"{call.tool}: {margin:.2f} nats speak for {what}.")
        return None


class LowValue(_OverCalls):
    """The least likely token of the arguments has a log-probability below `nats`."""

    def __init__(self, nats: float = -3.0, *, tool: str = "*", effect: str = "read") -> None:
        super().__init__(tool=tool, effect=effect)
        self._nats = nats

    def _doubt(self, call: CallEvidence) -> Reason | None:
        if call.value_min is None or call.value_min >= self._nats:
            return None
        return Reason(
            "low_value", f"{call.tool}: a value's log-probability is {call.value_min:.2f}."
        )


class Ungrounded(_OverCalls):
    """Less than `share` of an argument's value was said by the user or a tool.

    By default for calls that can't be undone: elsewhere values may well be worked out.
    """

    def __init__(self, share: float = 0.5, *, tool: str = "*", effect: str = "destroy") -> None:
        super().__init__(tool=tool, effect=effect)
        self._share = share

    def _doubt(self, call: CallEvidence) -> Reason | None:
        if call.grounding >= self._share:
            return None
        where = ", ".join(call.ungrounded) or "a value"
        return Reason("ungrounded", f"{call.tool}: {where} stands nowhere in the conversation.")


class Unmeasured(_OverCalls):
    """The engine told no log-probabilities of the call."""

    def _doubt(self, call: CallEvidence) -> Reason | None:
        if call.is_measured:
            return None
        return Reason("unmeasured", f"{call.tool}: there are no log-probabilities.")


class Calibrated(Protocol):
    """A fitted map from evidence to the probability that a call is right (`routing.calibration`)."""

    def probability(self, call: CallEvidence) -> float | None:
        """None where the map says nothing about evidence of this kind."""
        ...

    def threshold(self, effect: str) -> float:
        """The least probability at which calls of this effect are made."""
        ...


class LowProbability(_OverCalls):
    """The calibrated probability of being right is below the threshold.

    `thresholds` are the operator's, by glob of tool names, the first match counts; elsewhere `least`;
    without that, the calibration's own for the call's effect. Where no probability can be told, the
    calibration's guarantee does not hold, so the call is in doubt.
    """

    def __init__(
        self,
        calibration: Calibrated,
        least: float | None = None,
        *,
        thresholds: Mapping[str, float] | None = None,
        tool: str = "*",
        effect: str = "read",
    ) -> None:
        super().__init__(tool=tool, effect=effect)
        self._calibration = calibration
        self._least = least
        self._thresholds = thresholds or {}

    def _doubt(self, call: CallEvidence) -> Reason | None:
        least = self._threshold(call)
        probability = self._calibration.probability(call)
        if probability is None:
            return Reason("unmeasured", f"{call.tool}: nothing to tell a probability from.")
        if probability >= least:
            return None
        detail = f"{call.tool}: right with probability {probability:.3f}, {least:.3f} is asked for."
        return Reason("low_probability", detail)

    def _threshold(self, call: CallEvidence) -> float:
        for glob, least in self._thresholds.items():
            if fnmatchcase(call.tool, glob):
                return least
        return self._calibration.threshold(call.effect) if self._least is None else self._least


CALL_STRATEGIES: dict[str, Callable[..., Strategy]] = {
    "low_margin": LowMargin,
    "low_value": LowValue,
    "ungrounded": Ungrounded,
    "unmeasured": Unmeasured,
}
"""The names of those that need no calibration."""
