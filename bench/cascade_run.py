"""The intermediary asked, through the gateway's own loop; what it decided and what spoke for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mistral_common.protocol.instruct.messages import UserMessage

from bench.cascade_requests import Asked
from gateway.agent.events import RunFinished, TurnFinished
from gateway.agent.loop import AgentLoop
from gateway.agent.run import Limits, RunRequest
from gateway.cli.likeness import meaning, same_calls
from routing.backend import Turn, Usage
from routing.backends.scripted import Call, Say, ScriptedBackend
from routing.calibration_fit import Decision
from routing.confidence import CallEvidence
from routing.errors import BackendError
from routing.router import Router
from tools.registry import Registry

_AT_ONCE = 4
_CHARACTERS_PER_TOKEN = 3


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a request of a `part`. `evidence` is of the turn that ended the run, empty without a call.

    `prompt` and `completion` are the tokens of all turns of all models; `lent` counts decisions.
    """

    part: str
    group: str
    text: str
    truth: dict[str, Any] | None
    made: tuple[dict[str, Any], ...]
    evidence: tuple[CallEvidence, ...]
    prompt: int
    completion: int
    lent: int = 0

    @property
    def right(self) -> bool:
        """The calls are exactly the one that is right; none where no tool is needed."""
        return same_calls(self.made, [self.truth] if self.truth else [])

    def decisions(self) -> list[Decision]:
        """One for each call, for calibration."""
        wanted = meaning(self.truth) if self.truth else None
        return [
            Decision(evidence, meaning(call) == wanted, self.group)
            for evidence, call in zip(self.evidence, self.made, strict=True)
        ]

    def line(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"


def read(file: Path) -> list[Decided]:
    """What was written by `line`."""
    return [read_line(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def read_line(told: dict[str, Any]) -> Decided:
    """What a line tells, parsed."""
    evidence: list[CallEvidence] = []
    for each in told["evidence"]:
        known: dict[str, Any] = each | {"ungrounded": tuple(each["ungrounded"])}
        evidence.append(CallEvidence(**known))
    made: dict[str, Any] = told | {"made": tuple(told["made"]), "evidence": tuple(evidence)}
    return Decided(**made)


def oracle(asked: Iterable[Asked]) -> ScriptedBackend:
    """The expert: a script that knows what is right. No model, and named as such."""
    truths = {each.text: each.truth for each in asked}

    def answer(turn: Turn) -> Say:
        text = str(turn.messages[-1].content)
        truth = truths[text]
        if truth is None:
            return Say("None of the tools is needed for this.")
        written = len(json.dumps(truth, ensure_ascii=False)) // _CHARACTERS_PER_TOKEN
        asked = sum(len(tool.model_dump_json()) for tool in turn.tools) + len(text)
        usage = Usage(asked // _CHARACTERS_PER_TOKEN, written)
        return Say(calls=(Call(truth["name"], truth["arguments"]),), usage=usage)

    def script() -> Iterator[Any]:
        while True:
            yield answer

    return ScriptedBackend(script(), name="expert", model="oracle")


async def decide(
    router: Router, asked: Sequence[Asked], deadline_s: float, kept: Callable[[Decided], object]
) -> None:
    """Every request through the loop, four at a time; the calls are the app's, so nothing is run.

    `kept` is given each as soon as it is there. Requests that no model answered in time are left out,
    and told.
    """
    loop = AgentLoop(router, Registry())
    slots = asyncio.Semaphore(_AT_ONCE)
    done = 0

    async def one(request: Asked) -> None:
        nonlocal done
        async with slots:
            decided = await _decide(loop, request, deadline_s)
        done += 1
        if decided is not None:
            kept(decided)
        if done % 50 == 0:
            print(f"{done} of {len(asked)} requests", flush=True)

    async with asyncio.TaskGroup() as tasks:
        for request in asked:
            tasks.create_task(one(request))


async def _decide(loop: AgentLoop, asked: Asked, deadline_s: float) -> Decided | None:
    request = RunRequest(
        messages=(UserMessage(content=asked.text),),
        client_tools=asked.tools,
        tool_globs=(),
        limits=Limits(max_steps=4, deadline_s=deadline_s),
    )
    evidence: tuple[CallEvidence, ...] = ()
    try:
        async with aclosing(loop.run(request)) as events:
            async for event in events:
                if isinstance(event, TurnFinished):
                    evidence = event.evidence
                if isinstance(event, RunFinished):
                    return _decided(asked, event, evidence)
    except BackendError as error:
        print(f"left out: {error}", flush=True)
    return None


def _decided(asked: Asked, event: RunFinished, evidence: tuple[CallEvidence, ...]) -> Decided:
    outcome = event.outcome
    made = tuple({"name": each.name, "arguments": each.arguments} for each in outcome.client_calls)
    return Decided(
        asked.part,
        asked.group,
        asked.text,
        asked.truth,
        made,
        evidence if made else (),
        outcome.usage.prompt_tokens,
        outcome.usage.completion_tokens,
        len(outcome.escalations),
    )
