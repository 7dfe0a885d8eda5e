"""A stage for the loop: four tools with a log, scripted models, and what a run said, sorted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import ChatMessage, UserMessage

from gateway.agent.events import (
    CallAccepted,
    CallRefused,
    Escalated,
    Observation,
    RunEvent,
    RunFinished,
    TextDelta,
    TurnFinished,
)
from gateway.agent.loop import AgentLoop
from gateway.agent.run import Outcome, RunRequest
from policies.policy import Policy
from routing.backends.scripted import Item, ScriptedBackend
from routing.router import Member, Price, Router
from tests.stage import ADD, spec
from tools.errors import ToolFailed
from tools.executor import CallContext
from tools.registry import Registry
from tools.spec import ToolResult, ValidCall

GET_WEATHER = spec("get_weather", {"city": {"type": "string"}}, read_only=True)
BOOK = spec("book", {"city": {"type": "string"}})
WIPE = spec("wipe", {}, destructive=True)


@dataclass
class Tools:
    """Runs every tool of the stage. `log` lists what was run; `act` replaces what a tool does."""

    log: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    contexts: list[CallContext] = field(default_factory=list)
    act: dict[str, Callable[[ValidCall], Awaitable[Any]]] = field(default_factory=dict)

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        self.log.append((call.name, call.arguments))
        self.contexts.append(context)
        if (act := self.act.get(call.name)) is not None:
            return await act(call)
        match call.name:
            case "add":
                return {"sum": call.arguments["a"] + call.arguments["b"]}
            case "get_weather" if call.arguments["city"] == "Atlantis":
                raise ToolFailed("no such city")
            case "get_weather":
                return {"city": call.arguments["city"], "sky": "clear"}
            case _:
                return {"done": call.name}


@dataclass
class Played:
    """What a run said, sorted."""

    events: list[RunEvent]

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def outcome(self) -> Outcome:
        assert isinstance(self.events[-1], RunFinished)
        return self.events[-1].outcome

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.of(TextDelta))

    @property
    def accepted(self) -> list[tuple[str, dict[str, Any]]]:
        return [(event.call.name, event.call.arguments) for event in self.of(CallAccepted)]

    @property
    def refused(self) -> list[CallRefused]:
        return self.of(CallRefused)

    @property
    def results(self) -> list[ToolResult]:
        return [event.result for event in self.of(Observation)]

    @property
    def reasons(self) -> list[str]:
        return [event.receipt.reason for event in self.of(Escalated)]

    @property
    def notes(self) -> list[str]:
        return [note for event in self.of(TurnFinished) for note in event.notes]


@dataclass
class Stage:
    """Plays scripts through a real loop. `intermediary` and `expert` are the last run's models."""

    tools: Tools = field(default_factory=Tools)
    registry: Registry = field(default_factory=Registry)
    intermediary: ScriptedBackend = field(default_factory=lambda: ScriptedBackend([]))
    expert: ScriptedBackend = field(default_factory=lambda: ScriptedBackend([]))

    def __post_init__(self) -> None:
        for tool in (GET_WEATHER, ADD, BOOK, WIPE):
            self.registry.register(tool, self.tools)

    def loop(
        self,
        script: Iterable[Item],
        expert: Iterable[Item] | None = None,
        policies: Policy | None = None,
        **router: Any,
    ) -> AgentLoop:
        self.intermediary = ScriptedBackend(script, name="small", model="small")
        large = None
        if expert is not None:
            self.expert = ScriptedBackend(expert, name="large", model="large")
            large = Member(self.expert, Price(2.0, 6.0))
        small = Member(self.intermediary, Price(0.1, 0.1))
        return AgentLoop(Router(small, large, **router), self.registry, policies)

    async def play(
        self,
        script: Iterable[Item],
        *,
        expert: Iterable[Item] | None = None,
        policies: Policy | None = None,
        messages: Sequence[ChatMessage] = (UserMessage(content="Go."),),
        **request: Any,
    ) -> Played:
        loop = self.loop(script, expert, policies)
        asked = RunRequest(messages=tuple(messages), **request)
        played = Played([event async for event in loop.run(asked)])
        assert isinstance(played.events[-1], RunFinished)
        assert played.text == played.outcome.text, "streamed and whole text are the same"
        return played


@pytest.fixture
def stage() -> Stage:
    return Stage()
