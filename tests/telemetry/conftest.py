"""Runs of a scripted model, and what is seen of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import RunEvent
from gateway.agent.loop import AgentLoop
from gateway.agent.run import RunRequest
from gateway.telemetry.metrics import RunMetrics
from gateway.telemetry.observing import ObservedLoop, Observer
from policies.policy import Policy
from routing.backends.scripted import Item, ScriptedBackend
from routing.router import Member, Price, Router
from tools.errors import ToolFailed
from tools.executor import CallContext
from tools.registry import Registry
from tools.spec import Annotations, ToolSpec, ValidCall


class Add:
    """Adds, but for 13."""

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        if call.arguments["a"] == 13:
            raise ToolFailed("13 is bad luck")
        return {"sum": call.arguments["a"] + call.arguments["b"]}


@pytest.fixture
def tools() -> Registry:
    """One tool, `add`."""
    made = Registry()
    integer = {"type": "integer"}
    parameters = {
        "type": "object",
        "properties": {"a": integer, "b": integer},
        "required": ["a", "b"],
        "additionalProperties": False,
    }
    spec = ToolSpec("add", "Adds two numbers.", parameters, annotations=Annotations(read_only=True))
    made.register(spec, Add())
    return made


Watched = Callable[..., Awaitable[list[RunEvent]]]


@pytest.fixture
def watch(tools: Registry) -> Watched:
    """Runs a request over scripted models with observers: `await watch([metrics], script, …)`."""

    async def run(
        observers: Sequence[Observer],
        script: Iterable[Item],
        expert: Iterable[Item] | None = None,
        policies: Policy | None = None,
        **given: Any,
    ) -> list[RunEvent]:
        small = Member(ScriptedBackend(script, name="small", model="small"), Price(1.0, 2.0))
        large = None
        if expert is not None:
            large = Member(ScriptedBackend(expert, name="large", model="large"), Price(2.0, 6.0))
        loop = ObservedLoop(AgentLoop(Router(small, large), tools, policies), observers)
        asked = RunRequest((UserMessage(content="What is 2 and 3?"),), **given)
        return [event async for event in loop.run(asked)]

    return run


@pytest.fixture
def make_metrics(tools: Registry) -> Callable[..., RunMetrics]:
    """Metrics of the two scripted models and of the registered tools."""

    def make(**given: Any) -> RunMetrics:
        models = {"intermediary": "small", "expert": "large"}
        return RunMetrics(models=models, known_tool=lambda name: name in tools.snapshot(), **given)

    return make


@pytest.fixture
def metrics(make_metrics: Callable[..., RunMetrics]) -> RunMetrics:
    return make_metrics()


@pytest.fixture
def value(metrics: RunMetrics) -> Callable[..., float | None]:
    """A sample of a metric by name and labels; None while there is none."""

    def read(name: str, **labels: str) -> float | None:
        return metrics.instruments.registry.get_sample_value(f"gateway_{name}", labels)

    return read
