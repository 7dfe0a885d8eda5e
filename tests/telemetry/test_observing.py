"""What observers are shown of a run, and what they are told of its end."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import RunEvent, RunFinished
from gateway.agent.loop import AgentLoop, RequestDenied
from gateway.agent.run import RunRequest
from gateway.telemetry.observing import Ending, ObservedLoop
from routing.backends.scripted import ScriptedBackend
from routing.errors import BackendUnavailable
from routing.router import Member, Price, Router
from tests.stage import RaisingLoop
from tools.registry import Registry


class Notes:
    """Keeps all that it is shown; its own watch."""

    def __init__(self) -> None:
        self.seen: list[RunEvent] = []
        self.ends: list[tuple[Ending, BaseException | None]] = []

    def begin(self, request: RunRequest) -> Notes:
        return self

    def see(self, event: RunEvent) -> None:
        self.seen.append(event)

    def end(self, ending: Ending, error: BaseException | None) -> None:
        self.ends.append((ending, error))


REQUEST = RunRequest((UserMessage(content="Go."),))


@pytest.mark.parametrize("number", [0, 1, 3])
async def test_each_observer_is_shown_every_event_and_the_end_once(
    number: int, tools: Registry
) -> None:
    router = Router(Member(ScriptedBackend(["Hi."]), Price(1.0, 1.0)), None)
    observers = [Notes() for _ in range(number)]
    loop = ObservedLoop(AgentLoop(router, tools), observers)
    events = [event async for event in loop.run(REQUEST)]
    assert isinstance(events[-1], RunFinished)
    for each in observers:
        assert each.seen == events
        assert each.ends == [("finished", None)]


async def test_a_run_that_is_left_after_its_last_event_is_finished_and_before_that_cancelled(
    tools: Registry,
) -> None:
    notes: dict[type[RunEvent] | None, Notes] = {}
    for at in (RunFinished, None):
        router = Router(Member(ScriptedBackend(["Hi."]), Price(1.0, 1.0)), None)
        notes[at] = Notes()
        loop = ObservedLoop(AgentLoop(router, tools), [notes[at]])
        async with aclosing(loop.run(REQUEST)) as events:
            async for event in events:
                if at is None or isinstance(event, at):
                    break
    assert notes[RunFinished].ends == [("finished", None)]
    assert notes[None].ends == [("cancelled", None)]


@pytest.mark.parametrize(
    ("error", "ending", "is_told"),
    [
        (RequestDenied("nobody", "closed"), "denied", True),
        (BackendUnavailable("down"), "failed", True),
        (asyncio.CancelledError(), "cancelled", False),
    ],
)
async def test_observers_are_told_why_a_run_ended_early(
    error: BaseException, ending: Ending, is_told: bool
) -> None:
    notes = Notes()
    with pytest.raises(type(error)):
        async for _ in ObservedLoop(RaisingLoop(error), [notes]).run(REQUEST):
            pass
    assert notes.ends == [(ending, error if is_told else None)]
