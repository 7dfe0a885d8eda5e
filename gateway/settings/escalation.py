"""`escalation`: when a decision is lent to the expert."""

from __future__ import annotations

from difflib import get_close_matches

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from gateway.settings.section import Section
from routing.escalation import STRATEGIES


class EscalationSettings(Section):
    """When a decision is lent to the expert."""

    strategies: tuple[str, ...] | None = None
    """Names, any of which suffices; null: all that ship."""

    @field_validator("strategies", mode="after")
    @classmethod
    def _known(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            if name not in STRATEGIES:
                near = get_close_matches(name, STRATEGIES, n=1, cutoff=0.5) or [
                    ", ".join(STRATEGIES)
                ]
                raise PydanticCustomError(
                    "unknown_strategy",
                    "there is no strategy `{name}`; known and near: {near}",
                    {"name": name, "near": near[0]},
                )
        if names == ():
            raise PydanticCustomError(
                "no_strategy",
                "an empty list would never escalate; for that, leave `models.expert` out",
            )
        return names
