"""The hooks at which an operator's rules see what flows through a run.

    on_request   before the first model turn      may deny the whole run
    on_messages  after it                         may replace what is read (mask)
    on_offer     for each registered tool         may keep a tool from being shown to the model
    on_call      for each valid call              may deny it, or ask for a person
    on_spend     after each model turn            is told what it took
    on_use       for a request, a call, a turn    says what it takes from which bucket
    on_result    for each observation             may replace it (mask, shorten, block)
    screen       for each turn's text             may replace it while it is streamed (mask, stop)
    on_response  before the answer goes out       may replace its text, which is held back until then
    on_register  for a tool over REST             may deny that it is registered or removed
    on_approve   for a person's decision          may deny that this person decides
    on_escalate  before the expert is asked       may deny that it is

A rule subclasses `Policy` and overrides the hook it cares about; the others let pass. Rules are pure
or keep their own state; they never call up. `Policies` folds a list of rules: the first `Deny` wins,
then the first `RequireApproval`, and results and text pass through every rule in order.

Rates are the one thing that waits, for gateways share them: `admit` and `admit_calls` take what the rules
say in `on_use`, when everything else has let pass. Where `limits_rates` is False nobody need ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mistral_common.protocol.instruct.messages import ChatMessage

from policies.allowance import Allowance, Draw, LocalAllowance, merged
from policies.decision import ALLOW, Allow, Decision, Deny, RequireApproval
from tools.spec import ToolResult, ToolSpec, ValidCall


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Subject:
    """On whose behalf a run acts, and what it has done so far.

    `model` is the one that was asked for by name. `messages` is the conversation up to now, empty for a
    call outside of a run; the first `asked` of them came with the request, None means all.
    """

    run_id: str = ""
    tenant: str = "default"
    key: str = ""
    role: str = "app"
    step: int = 0
    cost_usd: float = 0.0
    model: str = ""
    messages: Sequence[ChatMessage] = ()
    asked: int | None = None


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Use:
    """What is used: a request that `begins`, a `call` of a tool, or what a model's turn took."""

    begins: bool = False
    call: str = ""
    tokens: int = 0
    cost_usd: float = 0.0


class Screen(Protocol):
    """What watches one turn's text while it is streamed."""

    @property
    def stopped(self) -> str | None:
        """Why nothing more goes out in this run, None while it may."""
        ...

    def feed(self, text: str) -> str:
        """What may go out now, instead of `text`."""
        ...

    def finish(self) -> str:
        """What was held back and may go out at the end."""
        ...


class Policy:
    """One rule. Every hook lets pass unless it is overridden."""

    name = "policy"

    rewrites_response = False
    """Set by a rule that overrides `on_response`: text is then held until it is whole."""

    @property
    def counts_cost(self) -> bool:
        """Whether `on_call` looks at `Subject.cost_usd`: then no call is judged before its turn is paid."""
        return False

    limits_rates = False
    """Set by a rule that overrides `on_use`."""

    limits_calls = False
    """Set by one that counts calls: then none is made before its turn is whole."""

    def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
        return ALLOW

    def on_messages(
        self, subject: Subject, messages: Sequence[ChatMessage]
    ) -> Sequence[ChatMessage]:
        return messages

    def on_offer(self, subject: Subject, tool: ToolSpec) -> bool:
        return True

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        return ALLOW

    def on_spend(self, subject: Subject, tokens: int, cost_usd: float) -> None:
        pass

    def on_use(self, subject: Subject, use: Use) -> Sequence[Draw]:
        return ()

    async def admit(self, subject: Subject) -> Allow | Deny:
        """Count a request that `on_request` lets pass, if its rates have room."""
        return ALLOW

    async def admit_calls(self, subject: Subject, calls: Sequence[ValidCall]) -> Mapping[str, Deny]:
        """Count calls that are about to be made; those whose rates have no room, by their ids."""
        return {}

    def on_result(self, subject: Subject, call: ValidCall, result: ToolResult) -> ToolResult:
        return result

    def screen(self, subject: Subject) -> Screen | None:
        return None

    def on_response(self, subject: Subject, text: str) -> str:
        return text

    def on_register(self, subject: Subject, tool: ToolSpec) -> Allow | Deny:
        return ALLOW

    def on_approve(self, subject: Subject, tool: ToolSpec) -> Allow | Deny:
        return ALLOW

    def on_escalate(self, subject: Subject, model: str) -> Allow | Deny:
        return ALLOW


class Screens:
    """Screens in a row: what one lets out, the next one sees."""

    def __init__(self, screens: Sequence[Screen]) -> None:
        self._screens = tuple(screens)

    @property
    def stopped(self) -> str | None:
        return next((each.stopped for each in self._screens if each.stopped), None)

    def feed(self, text: str) -> str:
        for each in self._screens:
            text = each.feed(text)
        return text

    def finish(self) -> str:
        text = ""
        for each in self._screens:
            text = (each.feed(text) if text else "") + each.finish()
        return text


_ASKED = (
    *("on_request", "on_messages", "on_offer", "on_call", "on_spend", "on_use", "on_result"),
    *("screen", "on_response", "on_register", "on_approve", "on_escalate", "counts_cost"),
)
"""What not every rule has something to say to."""


class Policies(Policy):
    """A list of rules that acts as one. `allowance` holds what their rates have left."""

    name = "policies"

    def __init__(self, rules: Sequence[Policy] = (), allowance: Allowance | None = None) -> None:
        self.rules = tuple(_flat(rules))
        self._having = {asked: _overriding(asked, self.rules) for asked in _ASKED}
        self._allowance: Allowance = allowance or LocalAllowance()
        self.rewrites_response = any(rule.rewrites_response for rule in self.rules)
        self.limits_rates = any(rule.limits_rates for rule in self.rules)
        self.limits_calls = any(rule.limits_calls for rule in self.rules)

    @property
    def counts_cost(self) -> bool:
        return any(rule.counts_cost for rule in self._having["counts_cost"])

    def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
        for rule in self._having["on_request"]:
            if isinstance(decision := rule.on_request(subject, messages), Deny):
                return decision
        return ALLOW

    def on_messages(
        self, subject: Subject, messages: Sequence[ChatMessage]
    ) -> Sequence[ChatMessage]:
        for rule in self._having["on_messages"]:
            messages = rule.on_messages(subject, messages)
        return messages

    def on_offer(self, subject: Subject, tool: ToolSpec) -> bool:
        return all(rule.on_offer(subject, tool) for rule in self._having["on_offer"])

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        held: RequireApproval | None = None
        for rule in self._having["on_call"]:
            decision = rule.on_call(subject, call)
            if isinstance(decision, Allow):
                continue
            if isinstance(decision, Deny):
                return decision
            held = held or decision
        return held or ALLOW

    def on_spend(self, subject: Subject, tokens: int, cost_usd: float) -> None:
        for rule in self._having["on_spend"]:
            rule.on_spend(subject, tokens, cost_usd)
        if self.limits_rates:
            used = Use(tokens=tokens, cost_usd=cost_usd)
            self._allowance.spend(self.on_use(subject, used))

    def on_use(self, subject: Subject, use: Use) -> Sequence[Draw]:
        draws = (draw for rule in self._having["on_use"] for draw in rule.on_use(subject, use))
        return list(
            {draw.bucket: draw for draw in draws}.values()
        )  # a rule given twice counts once

    async def admit(self, subject: Subject) -> Allow | Deny:
        return await self._take(self.on_use(subject, Use(begins=True))) or ALLOW

    async def admit_calls(self, subject: Subject, calls: Sequence[ValidCall]) -> Mapping[str, Deny]:
        wanted = {call.id: self.on_use(subject, Use(call=call.name)) for call in calls}
        denied = await self._take([draw for draws in wanted.values() for draw in draws])
        if denied is None or len(calls) == 1:
            return {} if denied is None else {calls[0].id: denied}
        each = {call_id: await self._take(draws) for call_id, draws in wanted.items()}
        return {call_id: denied for call_id, denied in each.items() if denied is not None}

    async def _take(self, draws: Sequence[Draw]) -> Deny | None:
        """Take all of it; or say, for the bucket that is longest without, that nothing is."""
        if not draws:
            return None
        draws = merged(draws)
        waits = await self._allowance.take(draws)
        wait_s, draw = max(zip(waits, draws, strict=True), key=lambda each: each[0])
        if wait_s <= 0:
            return None
        limit = f"more than {draw.rate.most:g} {draw.unit} in {draw.rate.every_s:g} s"
        return Deny(f"{limit}; try again in {wait_s:.0f} s", draw.rule, wait_s)

    def on_result(self, subject: Subject, call: ValidCall, result: ToolResult) -> ToolResult:
        for rule in self._having["on_result"]:
            result = rule.on_result(subject, call, result)
        return result

    def screen(self, subject: Subject) -> Screen | None:
        screens = [
            each for rule in self._having["screen"] if (each := rule.screen(subject)) is not None
        ]
        if not screens:
            return None
        return screens[0] if len(screens) == 1 else Screens(screens)

    def on_response(self, subject: Subject, text: str) -> str:
        for rule in self._having["on_response"]:
            text = rule.on_response(subject, text)
        return text

    def on_register(self, subject: Subject, tool: ToolSpec) -> Allow | Deny:
        for rule in self._having["on_register"]:
            if isinstance(decision := rule.on_register(subject, tool), Deny):
                return decision
        return ALLOW

    def on_approve(self, subject: Subject, tool: ToolSpec) -> Allow | Deny:
        for rule in self._having["on_approve"]:
            if isinstance(decision := rule.on_approve(subject, tool), Deny):
                return decision
        return ALLOW

    def on_escalate(self, subject: Subject, model: str) -> Allow | Deny:
        for rule in self._having["on_escalate"]:
            if isinstance(decision := rule.on_escalate(subject, model), Deny):
                return decision
        return ALLOW


def _flat(rules: Sequence[Policy]) -> Iterator[Policy]:
    """A list within the list acts as its rules do; its allowance is never asked."""
    for rule in rules:
        if type(rule) is Policies:
            yield from rule.rules
        else:
            yield rule


def _overriding(asked: str, rules: Sequence[Policy]) -> Sequence[Policy]:
    """Those that have a hook (or a property) of their own: the others would only let pass, on every turn."""
    inherited = getattr(Policy, asked)
    return tuple(rule for rule in rules if getattr(type(rule), asked) is not inherited)
