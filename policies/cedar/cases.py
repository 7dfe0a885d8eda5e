"""A table of cases beside the policies: what is asked, and what has to be answered.

    cases:
      - {role: app, action: call, tool: {name: pay, effect: write}, arguments: {amount: 500},
         expect: approval, policy: large-payments}

Raises `PolicyError` for a table that can't be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml
from mistral_common.protocol.instruct.messages import AssistantMessage, ToolMessage
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from policies.cedar.access import CedarAccess
from policies.cedar.policy_set import Answer
from policies.cedar.reloading import ReloadedSet
from policies.errors import PolicyError
from policies.policy import Subject
from tools.spec import Annotations, Effect, ToolSpec, ValidCall

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""When a case happens that does not say so: a Monday."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AskedTool(_Strict):
    """The tool of a case. `effect` is what policies read; the hints follow from it."""

    name: str
    effect: Effect = Effect.READ
    idempotent: bool = False
    open_world: bool = False

    def spec(self) -> ToolSpec:
        """As a registry would have it."""
        hints = Annotations(
            read_only=self.effect is Effect.READ,
            idempotent=self.idempotent,
            destructive=self.effect is Effect.DESTROY,
            open_world=self.open_world,
        )
        return ToolSpec(self.name, "", {"type": "object"}, annotations=hints)


class Case(_Strict):
    """One line of the table. `at` is a time in UTC; `cost_usd` what the run has cost so far."""

    action: Literal["offer", "call", "register", "approve", "escalate"]
    role: Literal["app", "author", "operator"] = "app"
    tenant: str = "default"
    key: str = ""
    tool: AskedTool | None = None
    model: str = "expert"
    arguments: Mapping[str, Any] = Field(default_factory=dict)
    cost_usd: float = 0.0
    step: int = 1
    tainted: bool = False
    at: datetime = NOON
    expect: Literal["allow", "approval", "deny"] | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """A case and what the policies said."""

    case: Case
    answer: Answer

    @property
    def is_right(self) -> bool:
        """Whether it is what was expected."""
        named = self.case.policy is None or self.case.policy in self.answer.policies
        return self.answer.said == self.case.expect and named


class _Table(_Strict):
    cases: list[Case]


def read_cases(policies: Path) -> list[Case]:
    """The cases beside the policies: `NAME.cases.yaml` beside `NAME.cedar`, all of them in a folder."""
    if policies.is_dir():
        files = sorted(policies.glob("*.cases.yaml"))
    else:
        files = [policies.with_suffix(".cases.yaml")]
    cases: list[Case] = []
    for file in files:
        try:
            table = _Table.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise PolicyError(str(file), "there is no table of cases") from None
        except yaml.YAMLError as error:
            raise PolicyError(str(file), f"not YAML: {error}") from None
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise PolicyError(f"{file}: {place}", first["msg"]) from None
        cases += table.cases
    return cases


def try_all(policies: ReloadedSet, cases: Sequence[Case]) -> list[Tried]:
    """Each case with what the policies in force say to it."""
    return [Tried(case, ask(policies, case)) for case in cases]


def ask(policies: ReloadedSet, case: Case) -> Answer:
    """One case. The policies are asked as a request would ask them."""
    at = case.at if case.at.tzinfo else case.at.replace(tzinfo=UTC)
    access = CedarAccess(policies, now=lambda: at.astimezone(UTC))
    subject = Subject(
        tenant=case.tenant,
        key=case.key,
        role=case.role,
        step=case.step,
        cost_usd=case.cost_usd,
        messages=_tainting(case.arguments) if case.tainted else (),
    )
    if case.action == "escalate":
        return access.answer(subject, "escalate", case.model)
    tool = (case.tool or AskedTool(name="any")).spec()
    if case.action == "call":
        return access.answer_call(subject, ValidCall("000000000", tool, dict(case.arguments)))
    return access.answer(subject, case.action, tool.name, tool)


def _tainting(arguments: Mapping[str, Any]) -> list[AssistantMessage | ToolMessage]:
    """A conversation in which a tool's result brought these arguments."""
    call = ToolCall(id="000000001", function=FunctionCall(name="read", arguments="{}"))
    text = "\n".join(str(value) for value in arguments.values())
    result = ToolMessage(content=text, tool_call_id="000000001", name="read")
    return [AssistantMessage(tool_calls=[call]), result]
