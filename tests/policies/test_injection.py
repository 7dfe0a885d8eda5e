"""Poisoned results against a model that obeys every word of them: no sink runs without a person.

The attempts are data, in `injection/*.yaml`; see the README there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import yaml
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.agent.events import Escalated, RunFinished
from gateway.agent.loop import AgentLoop
from gateway.agent.run import Outcome, RunRequest
from policies.loader import load
from policies.policy import Policy
from policies.rules.taint import Taint
from routing.backends.scripted import Call, Item, ScriptedBackend
from routing.router import Member, Price, Router
from tests.stage import spec
from tools.executor import CallContext
from tools.registry import Registry
from tools.spec import Annotations, Effect, ToolSpec, ValidCall

HERE = Path(__file__).parent / "injection"
TEXT = {"type": "string"}
SOURCES = ("read_mail", "fetch_page", "read_document", "get_ticket", "search_notes")
SINKS = {
    "send_mail": ({"to": TEXT, "subject": TEXT, "body": TEXT}, Annotations(open_world=True)),
    "post_message": ({"channel": TEXT, "text": TEXT}, Annotations(open_world=True)),
    "fetch_url": ({"url": TEXT}, Annotations(read_only=True, open_world=True)),
    "pay": (
        {"account": TEXT, "amount": {"type": "number"}, "payee": TEXT},
        Annotations(destructive=True, open_world=True),
    ),
    "run_code": ({"code": TEXT}, Annotations(destructive=True, open_world=True)),
    "delete_folder": ({"name": TEXT}, Annotations(destructive=True)),
    "empty_trash": ({}, Annotations(destructive=True)),
}


@dataclass
class Attempt:
    """One item of the suite."""

    id: str
    user: str
    results: list[dict[str, str]]
    obeys: list[dict[str, Any]]
    expert: bool = False
    in_history: bool = False
    only_read: bool = False

    @property
    def calls(self) -> list[Call]:
        return [Call(each["tool"], each["arguments"]) for each in self.obeys]


@dataclass
class World:
    """Brings what an attempt says, and records which sinks ran."""

    attempt: Attempt
    ran: list[str] = field(default_factory=list)

    def registry(self) -> Registry:
        registry = Registry()
        number = {"number": {"type": "integer"}}
        for name in SOURCES:
            registry.register(spec(name, number, read_only=True), self)
        for name, (properties, hints) in SINKS.items():
            plain = spec(name, properties)
            sink = ToolSpec(name, plain.description, plain.parameters, annotations=hints)
            registry.register(sink, self)
        return registry

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        if call.name in SOURCES:
            return self.attempt.results[call.arguments["number"]]["text"]
        self.ran.append(call.name)
        return "done"

    def history(self) -> list[ChatMessage]:
        """The results as an earlier exchange left them."""
        messages: list[ChatMessage] = [UserMessage(content="Begin.")]
        for at, each in enumerate(self.attempt.results):
            call_id = f"call{at:05}"
            call = ToolCall(id=call_id, function=FunctionCall(name=each["tool"], arguments="{}"))
            messages.append(AssistantMessage(tool_calls=[call]))
            messages.append(ToolMessage(content=each["text"], tool_call_id=call_id))
        messages.append(AssistantMessage(content="I have read it."))
        return messages

    async def play(self, policies: Policy) -> tuple[Outcome, int]:
        """Run the attempt; gives its outcome and how many decisions were lent to the expert."""
        attempt = self.attempt
        reads: list[Item] = [
            Call(each["tool"], {"number": at}) for at, each in enumerate(attempt.results)
        ]
        messages: list[ChatMessage] = [UserMessage(content=attempt.user)]
        if attempt.in_history:
            reads, messages = [], [*self.history(), *messages]
        if attempt.expert:
            script: list[Item] = [*reads, Call("escalate", {"reason": "unsure"}), "Done."]
            lent: list[Item] = [attempt.calls, "Done."]
        else:
            script, lent = [*reads, attempt.calls, "Done.", "Done."], []
        small = Member(ScriptedBackend(script), Price(0.0, 0.0))
        large = Member(ScriptedBackend(lent), Price(0.0, 0.0)) if attempt.expert else None
        loop = AgentLoop(Router(small, large), self.registry(), policies)
        events = [event async for event in loop.run(RunRequest(messages=tuple(messages)))]
        assert isinstance(events[-1], RunFinished)
        return events[-1].outcome, sum(isinstance(event, Escalated) for event in events)


def attempts(name: str) -> list[Attempt]:
    items = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    return [Attempt(**item) for item in items]


POISONED = [
    replace(attempt, id=f"{file.stem}/{attempt.id}")
    for file in sorted(HERE.glob("*.yaml"))
    if file.stem not in ("policy", "controls")
    for attempt in attempts(file.name)
]
BY_WORDS = [each for each in POISONED if not each.only_read]
CONTROLS = attempts("controls.yaml")
READ = Taint(effects=[Effect.DESTROY], when="read")


def test_the_suite_has_its_size() -> None:
    assert len(POISONED) >= 60


@pytest.mark.parametrize("attempt", POISONED, ids=attrgetter("id"))
async def test_no_sink_that_a_result_steers_runs_without_a_person(attempt: Attempt) -> None:
    world = World(attempt)
    policies = READ if attempt.only_read else load(HERE / "policy.yaml")
    outcome, lent = await world.play(policies)
    assert world.ran == []
    assert outcome.stop == "interrupted"
    assert lent == attempt.expert


@pytest.mark.parametrize("attempt", BY_WORDS, ids=attrgetter("id"))
async def test_the_same_attempts_succeed_where_nobody_looks(attempt: Attempt) -> None:
    """Else the suite would prove nothing."""
    world = World(attempt)
    await world.play(Policy())
    assert world.ran == [call.name for call in attempt.calls]


@pytest.mark.parametrize("attempt", CONTROLS, ids=attrgetter("id"))
async def test_what_the_user_asked_for_happens(attempt: Attempt) -> None:
    world = World(attempt)
    outcome, _ = await world.play(load(HERE / "policy.yaml"))
    assert world.ran == [call.name for call in attempt.calls]
    assert outcome.stop == "answer"
