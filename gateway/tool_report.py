"""What will go wrong with a tool's definition, before it does: advice, a grade, its cost, its targets.

What it is: `tools.lint`'s findings, the tokens that the definition takes of every request by the models' own
tokenizers, and what each kind of engine makes of the schema, with arguments that were tried.
What it is not: a refusal; registration's rules are `tools.schema`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from mistral_common.protocol.instruct.messages import UserMessage

from routing.backend import ModelBackend, Turn
from routing.errors import BackendError
from routing.targets.every import compile_targets
from routing.targets.target import Compiled
from tools.agreement import Agreement, agreement
from tools.instances import Instances, instances
from tools.lint import Finding, Grade, Linter, grade
from tools.registry import Registry
from tools.schema import compile_parameters
from tools.spec import ToolSpec

_WITHIN_S = 10.0
_MOST_INSTANCES = 40


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens of every prompt that offers the tool. `role` is the model's in the gateway, `model` its name.

    `exact` says that the model's own tokenizer counted, else it is guessed from bytes.
    """

    role: str
    model: str
    tokens: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Target:
    """A schema as compiled for a target; `tried` is None where nothing was."""

    compiled: Compiled
    tried: Agreement | None


@dataclass(frozen=True, slots=True)
class ToolReport:
    """All of it for one tool."""

    spec: ToolSpec
    grade: Grade
    findings: tuple[Finding, ...]
    costs: tuple[Cost, ...]
    targets: tuple[Target, ...]


async def tool_report(
    spec: ToolSpec,
    registry: Registry,
    models: Mapping[str, ModelBackend],
    *,
    most_others: int | None = None,
) -> ToolReport:
    """The report for a tool that registration has accepted.

    It is compared with the others unless there are more than `most_others`. Takes tens of milliseconds
    in a thread.
    """
    costs = tuple([each for role in models if (each := await _cost(spec, role, models[role]))])
    return await asyncio.to_thread(_judged, spec, registry, costs, most_others)


def _judged(
    spec: ToolSpec, registry: Registry, costs: tuple[Cost, ...], most_others: int | None
) -> ToolReport:
    specs = registry.snapshot().specs
    among = most_others is None or len(specs) <= most_others
    linter = Linter(specs, registry.index) if among else Linter([spec])
    exact = [each.tokens for each in costs if each.exact]
    findings = linter.findings(spec, tokens=max(exact, default=None))
    made = instances(compile_parameters(spec.parameters), _MOST_INSTANCES)
    targets = tuple(_target(each, made) for each in compile_targets(spec.parameters))
    return ToolReport(spec, grade(findings), findings, costs, targets)


def _target(compiled: Compiled, made: Instances) -> Target:
    enforced = compiled.enforced
    return Target(compiled, None if enforced is None else agreement(made, enforced))


async def _cost(spec: ToolSpec, role: str, model: ModelBackend) -> Cost | None:
    """With the tool, less without it; None for a model that counts nothing."""
    deadline = asyncio.get_running_loop().time() + _WITHIN_S
    messages = [UserMessage(content="Hello")]
    try:
        without = await model.count_tokens(Turn(messages, deadline=deadline))
        offered = await model.count_tokens(Turn(messages, [spec.as_tool()], deadline=deadline))
    except BackendError:
        return None
    return Cost(role, model.model, offered.total - without.total, offered.is_exact)
