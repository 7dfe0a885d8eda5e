"""A cascade over many splits of its phrasings into halves, one to calibrate on and one to tell.

The guarantee of conformal risk control is an average over such splits: a single one may lie above its target
by chance, and says little. With a confidence, few may; that a half is measured and not known adds to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean

from bench.cascade_curves import Case, area_share, lent_share, wrong_made
from bench.cascade_run import Decided
from routing.calibration import Calibration
from routing.calibration_fit import fit


@dataclass(frozen=True, slots=True)
class Splits:
    """Of each split, the share of decisions that was made and wrong, the area won, the share that was lent."""

    wrong: tuple[float, ...]
    areas: tuple[float, ...]
    lent: tuple[float, ...]
    confidence: float | None = None

    def told(self, target: float) -> str:
        """One line."""
        above, mean = sum(each > target for each in self.wrong), fmean(self.wrong)
        kept = "kept" if mean <= target else "**not kept**"
        sure = (
            ", the target to be kept on average"
            if self.confidence is None
            else f", with a confidence of {self.confidence:g}"
        )
        return (
            f"over {len(self.wrong)} random splits into such halves{sure}: {mean:.3f} made and wrong on average "
            f"({kept}), above the target in {above}, {max(self.wrong):.3f} at most; {fmean(self.lent):.3f} lent; "
            f"area won {fmean(self.areas):.3f}, {min(self.areas):.3f} at least"
        )


def splits(
    decided: Sequence[Decided],
    cases: Callable[[list[Decided], Calibration], list[Case]],
    targets: Mapping[str, float],
    confidence: float | None = None,
    number: int = 100,
) -> Splits:
    """The same ones every time. Raises `routing.calibration_fit.TooThin`."""
    groups = sorted({each.group for each in decided})
    wrong: list[float] = []
    areas: list[float] = []
    lent: list[float] = []
    for seed in range(number):
        half = set(Random(seed).sample(groups, len(groups) // 2))
        calibrating = [each for each in decided if each.group in half]
        told = [one for each in calibrating for one in each.decisions()]
        made = fit("split", told, targets, confidence)
        found = cases([each for each in decided if each.group not in half], made)
        wrong.append(wrong_made(found))
        areas.append(area_share(found))
        lent.append(lent_share(found))
    return Splits(tuple(wrong), tuple(areas), tuple(lent), confidence)
