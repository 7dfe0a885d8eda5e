"""Runs as they might have been, with the times and costs that a test or a picture wants.

Written straight into a store: nothing waits, and every figure is known.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import (
    CallAccepted,
    CallRefused,
    Escalated,
    Observation,
    RunEvent,
    RunFinished,
    RunStarted,
    TurnFinished,
    TurnStarted,
)
from gateway.agent.run import Escalation, Outcome, RunRequest, StopReason
from gateway.storage.runs import RunLog, RunStore
from gateway.storage.schedules import Fire, Firing, Schedule, ScheduleStore
from routing.backend import Usage
from tests.stage import spec
from tools.spec import Failure, InvalidCall, Problem, ToolResult, ToolSpec, ValidCall

TEXT = {"type": "string"}


def described(tool: ToolSpec, description: str, **properties: str) -> ToolSpec:
    """The tool with words for people."""
    parameters: dict[str, Any] = {
        **tool.parameters,
        "properties": {
            name: {**of, "description": properties.get(name, "")}
            for name, of in tool.parameters["properties"].items()
        },
    }
    return replace(tool, description=description, parameters=parameters)


FIND = described(
    spec(
        "find_orders",
        {"customer": TEXT, "status": {"type": "string", "enum": ["open", "sent", "all"]}},
        read_only=True,
    ),
    "Find a customer's orders, the newest first.",
    customer="The customer's name or number.",
    status="Which orders.",
)
STOCK = described(
    spec("stock_level", {"article": TEXT}, read_only=True),
    "Tell how many pieces of an article are in stock.",
    article="The article number, such as A-4711.",
)
NOTE = described(
    spec("save_note", {"text": TEXT}), "Save a note for later.", text="What to remember."
)
REFUND = described(
    spec("refund_order", {"order": TEXT, "amount": {"type": "number"}}, destructive=True),
    "Pay an order's money back. This can't be taken back.",
    order="The order's number.",
    amount="How much, in euros.",
)
CONVERT = described(
    spec(
        "convert_units",
        {"value": {"type": "number"}, "from_unit": TEXT, "to_unit": TEXT},
        read_only=True,
        idempotent=True,
    ),
    "Convert a quantity from one unit to another, exactly.",
)
TOOLS = (FIND, STOCK, NOTE, REFUND, CONVERT)


async def scheduled(store: ScheduleStore, name: str = "morning report") -> Schedule:
    """A schedule on weekdays that came once, and was left out."""
    at, when = time.time() + 86_400, {"cron": "0 9 * * 1-5", "time_zone": "Europe/Paris"}
    plan = {"when": when, "request": {"input": "Which orders are open?"}, "name": name}
    made = Schedule("default", "sched_1", at - 90_000, "", "operator", plan, at, at)
    await store.add(made, most=9)
    why = "the run before it still went on"
    fire = Fire("default", made.id, 1, at, at, time.time() - 3600, "skipped", why)
    await store.claim(Firing(fire, at, at + 1.0))
    return made


@dataclass
class Story:
    """A run that is told step by step; `end` writes it into the store."""

    store: RunStore
    question: str
    ago_s: float = 30.0
    events: list[RunEvent] = field(default_factory=list[RunEvent])
    receipts: list[Escalation] = field(default_factory=list[Escalation])
    step: int = 0
    elapsed_s: float = 0.0
    cost_usd: float = 0.0
    usage: Usage = field(default_factory=Usage)
    calls: int = 0

    def turn(
        self,
        text: str = "",
        *,
        calls: int = 0,
        took: float = 0.3,
        expert: bool = False,
        reason: str = "routed to the intermediary",
        first: float | None = None,
    ) -> Story:
        if not expert or not self.step:
            self.step += 1
        role, model = ("expert", "mistral-large") if expert else ("intermediary", "ministral-8b")
        usage = Usage(900 + 180 * self.step, 24 + len(text) // 4)
        cost = usage.total_tokens * (2e-6 if expert else 1e-7)
        self.events += [
            TurnStarted(self.step, role, model, reason),
            TurnFinished(
                self.step, text, calls, "tool_calls" if calls else "stop", usage, cost, took, first
            ),
        ]
        self.usage = Usage(
            self.usage.prompt_tokens + usage.prompt_tokens,
            self.usage.completion_tokens + usage.completion_tokens,
        )
        self.cost_usd += cost
        self.elapsed_s += took
        return self

    def call(
        self,
        tool: ToolSpec,
        content: str = "{}",
        *,
        took: float = 0.1,
        failure: Failure | None = None,
        repairs: tuple[str, ...] = (),
        **arguments: Any,
    ) -> Story:
        self.calls += 1
        call = ValidCall(f"call{self.calls:05d}", tool, arguments, repairs)
        self.events += [
            CallAccepted(self.step, call, client=False),
            Observation(self.step, ToolResult(call.id, tool.name, content, failure, took)),
        ]
        self.elapsed_s += took
        return self

    def refused(self, invalid: InvalidCall) -> Story:
        self.events.append(
            CallRefused(self.step, invalid.id, invalid.name, invalid.message, invalid)
        )
        return self

    def lent(self, reason: str, detail: str) -> Story:
        """The next turn is the expert's."""
        self.receipts.append(
            Escalation(self.step, reason, detail, "mistral-large", Usage(1200, 60), 0.0025)
        )
        self.events.append(Escalated(self.receipts[-1]))
        return self

    def end(self, answer: str, stop: StopReason = "answer") -> RunLog:
        log = self.going()
        outcome = Outcome(
            stop,
            answer,
            steps=self.step,
            usage=self.usage,
            cost_usd=self.cost_usd,
            escalations=tuple(self.receipts),
        )
        log.append(RunFinished(outcome))
        log.finished_at = log.created_at + self.elapsed_s + 0.02
        return log

    def failed(self, error: str) -> RunLog:
        log = self.going()
        log.finish("failed", error)
        log.finished_at = log.created_at + self.elapsed_s + 0.02
        return log

    def going(self) -> RunLog:
        """The run as it is in the middle."""
        log = self.store.begin(RunRequest(messages=(UserMessage(content=self.question),)))
        log.created_at = time.time() - self.ago_s
        offered = tuple(tool.name for tool in TOOLS)
        for event in (RunStarted(log.request, offered), *self.events):
            log.append(event)
        return log


def a_busy_day(store: RunStore) -> Sequence[RunLog]:
    """A day of runs, the same one each time: what pictures show."""
    logs: list[RunLog] = []
    for hour in range(23, 0, -1):
        for place in range(1 + (hour * 7) % 4):
            at = hour * 3600 + place * 700
            story = Story(store, _QUESTIONS[(hour + place) % len(_QUESTIONS)], at)
            story.turn(calls=1, took=0.22 + (hour % 5) * 0.05)
            failing = (hour + place) % 6 == 0
            story.call(
                (FIND, STOCK, CONVERT)[(hour + place) % 3],
                took=0.05 + (hour % 7) * 0.03,
                failure=Failure.TIMEOUT if failing else None,
            )
            if (hour * 3 + place) % 4 == 0:
                story.lent(*_REASONS[(hour + place) % 3]).turn(calls=1, took=0.9, expert=True)
                story.call(FIND, took=0.12)
            logs.append(story.turn("Done.", took=0.3).end("Done."))
    return [*logs, *_the_last_ones(store)]


_QUESTIONS = (
    "Where is order 20817?",
    "How many A-4711 are left in Lyon?",
    "How many kilometers are 26.2 miles?",
    "Remind me to call Ms Okafor about the invoice",
    "Which orders of Brandt & Co are still open?",
)
_REASONS = (
    ("low_confidence", "the least likely token of the call had probability 0.31"),
    ("invalid_call", "the call broke its schema twice"),
    ("destructive", "the call destroys something"),
)


def _the_last_ones(store: RunStore) -> list[RunLog]:
    refusal = InvalidCall(
        "bad000001",
        "find_orders",
        '{"customer": "Brandt & Co", "status": "opened"}',
        Problem.SCHEMA,
        "'opened' is not one of ['open', 'sent', 'all']",
        "$.status",
    )
    return [
        Story(store, "Pay back order 20817", 900)
        .turn(calls=1, took=0.3)
        .end("", stop="interrupted"),
        Story(store, "How many kilometers are 26.2 miles?", 310)
        .turn(calls=1, took=0.24)
        .call(CONVERT, '{"value": 42.16481}', took=0.002, value=26.2, from_unit="mi", to_unit="km")
        .turn("26.2 miles are 42.16 kilometers.", took=0.31, first=0.09)
        .end("26.2 miles are 42.16 kilometers."),
        Story(store, "Is A-4711 in stock, in Lyon and in Lille?", 150)
        .turn(calls=2, took=0.28)
        .call(STOCK, '{"pieces": 12}', took=0.21, article="A-4711@lyon")
        .call(STOCK, "the warehouse did not answer within 1 s", took=1.0, failure=Failure.TIMEOUT, article="A-4711@lille")
        .turn("Lyon has 12 pieces; Lille did not answer.", took=0.42, first=0.1)
        .end("Lyon has 12 pieces; Lille did not answer."),
        Story(store, "Pay back everything that Brandt & Co has ordered and not received", 60)
        .turn(calls=1, took=0.34)
        .refused(refusal)
        .turn("Let me look that up again.", calls=1, took=0.29)
        .call(FIND, '{"orders": [{"number": "20817", "total": 48.0}, {"number": "20833", "total": 112.5}]}', took=0.18, repairs=("$.status: 'OPEN' → 'open'",), customer="Brandt & Co", status="open")
        .lent("destructive", "the next call destroys something")
        .turn("Two orders are open. I refund them one by one.", calls=2, took=1.12, expert=True, reason="destructive: the next call destroys something", first=0.4)
        .call(REFUND, '{"refunded": 48.0}', took=0.33, order="20817", amount=48)
        .call(REFUND, '{"refunded": 112.5}', took=0.27, order="20833", amount=112.5)
        .turn(calls=1, took=0.22)
        .call(NOTE, '{"id": 7}', took=0.01, text="Refunded 20817 and 20833 of Brandt & Co")
        .turn("Both open orders, 20817 and 20833, are refunded: 160.50 € in all.", took=0.5, first=0.11)
        .end("Both open orders, 20817 and 20833, are refunded: 160.50 € in all."),
        Story(store, "Which orders of Okafor are open?", 9)
        .turn(calls=1, took=0.2)
        .failed("BackendUnavailable: connection refused"),
    ]  # fmt: skip
