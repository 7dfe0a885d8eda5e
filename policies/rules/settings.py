"""What the rules over content, flow and time take in YAML, typed: one model a rule."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from policies.rules.taint import CHANGING
from tools.spec import Effect


class RuleSettings(BaseModel):
    """Frozen, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TaintSettings(RuleSettings):
    """`taint`: see `policies.rules.taint.Taint`."""

    tools: tuple[str, ...] = ("*",)
    effects: tuple[Effect, ...] = CHANGING
    open_world: bool | None = None
    arguments: tuple[str, ...] = ("*",)
    trusted: tuple[str, ...] = ()
    when: Literal["flow", "read"] = "flow"
    then: Literal["approval", "deny"] = "approval"
