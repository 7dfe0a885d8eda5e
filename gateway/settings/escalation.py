"""`escalation`: when a decision is lent to the expert."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from gateway.settings.section import Section
from routing.escalation_text import STRATEGIES, ExpressionError, names_in, read

_CALIBRATED = "low_probability"


class _Anything:
    """Stands for the calibration while expressions are checked; its file is read when it is used."""

    def probability(self, call: object) -> float | None:
        del call
        return None

    def threshold(self, effect: str) -> float:
        del effect
        return 1.0


class EscalationSettings(Section):
    """When a decision is lent to the expert. docs/routing.md tells what each strategy does."""

    strategies: tuple[str, ...] | None = None
    """Expressions, any of which suffices, as `low_margin(1.5, effect="write") & budget_left(0.2)`; null: those that ship."""
    tenants: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        default_factory=dict[str, tuple[str, ...]]
    )
    """Strategies in place of `strategies` by glob of tenants; the first match counts."""
    calibration: Path | None = None
    """A file that `gateway calibrate` wrote; calls below its thresholds are lent (`low_probability`)."""
    thresholds: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    """Least probability of being right by glob of tool names, in place of the calibration's; the first match counts."""

    @property
    def expressions(self) -> tuple[str, ...]:
        """All that are configured, for whomever."""
        return (*(self.strategies or ()), *chain.from_iterable(self.tenants.values()))

    @field_validator("tenants", mode="after")
    @classmethod
    def _known_to_all(cls, tenants: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for expression in chain.from_iterable(tenants.values()):
            _check(expression)
        return tenants

    @field_validator("strategies", mode="after")
    @classmethod
    def _known(cls, expressions: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for expression in expressions or ():
            _check(expression)
        if expressions == ():
            raise PydanticCustomError(
                "no_strategy",
                "an empty list would never escalate; for that, leave `models.expert` out",
            )
        return expressions

    @model_validator(mode="after")
    def _calibrated(self) -> Self:
        used = frozenset[str]().union(*map(names_in, self.expressions))
        if self.calibration is None and (self.thresholds or _CALIBRATED in used):
            raise PydanticCustomError(
                "no_calibration",
                "`low_probability` and `thresholds` need `escalation.calibration`, a file that "
                "`gateway calibrate` writes",
            )
        return self


def _check(expression: str) -> None:
    try:
        unknown = names_in(expression) - STRATEGIES.keys()
        if not unknown:
            read(expression, _Anything())
            return
    except ExpressionError as error:
        raise PydanticCustomError(
            "bad_strategy", "not a strategy: {why}", {"why": str(error)}
        ) from None
    name = min(unknown)
    near = get_close_matches(name, STRATEGIES, n=1, cutoff=0.5) or [", ".join(STRATEGIES)]
    raise PydanticCustomError(
        "unknown_strategy",
        "there is no strategy `{name}`; known and near: {near}",
        {"name": name, "near": near[0]},
    )
