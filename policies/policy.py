"""The hooks at which an operator's rules see what flows through a run.

    on_request   before the first model turn      may deny the whole run
    on_messages  after it                         may replace what is read (mask)
    on_offer     for each registered tool         may keep a tool from being shown to the model
    on_call      for each valid call              may deny it, or ask for a person
    on_spend     after each model turn            is told what it took
    on_result    for each observation             may replace it (mask, shorten, block)
    screen       for each turn's text             may replace it while it is streamed (mask, stop)
    on_response  before the answer goes out       may replace its text, which is held back until then
    on_register  for a tool over REST             may deny that it is registered or removed
    on_approve   for a person's decision          may deny that this person decides
    on_escalate  before the expert is asked       may deny that it is

A rule subclasses `Policy` and overrides the hook it cares about; the others let pass. Rules are pure
or keep their own state; they never call up. `Policies` folds a list of rules: the first `Deny` wins,
then the first `RequireApproval`, and results and text pass through every rule in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mistral_common.protocol.instruct.messages import ChatMessage

from policies.decision import ALLOW, Allow, Decision, Deny, RequireApproval
from tools.spec import ToolResult, ToolSpec, ValidCall


@dataclass(frozen=True, slots=True)
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


class Policies(Policy):
    """A list of rules that acts as one."""

    name = "policies"

    def __init__(self, rules: Sequence[Policy] = ()) -> None:
        self._rules = tuple(rules)
        self.rewrites_response = any(rule.rewrites_response for rule in self._rules)

    @property
    def counts_cost(self) -> bool:
        return any(rule.counts_cost for rule in self._rules)

    def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
        for rule in self._rules:
            if isinstance(decision := rule.on_request(subject, messages), Deny):
                return decision
        return ALLOW

    def on_messages(
        self, subject: Subject, messages: Sequence[ChatMessage]
    ) -> Sequence[ChatMessage]:
        for rule in self._rules:
            messages = rule.on_messages(subject, messages)
        return messages

    def on_offer(self, subject: Subject, tool: ToolSpec) -> bool:
        return all(rule.on_offer(subject, tool) for rule in self._rules)

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        held: RequireApproval | None = None
        for rule in self._rules:
            match rule.on_call(subject, call):
                case Deny() as denied:
                    return denied
                case RequireApproval() as approval:
                    held = held or approval
                case Allow():
                    pass
        return held or ALLOW

    def on_spend(self, subject: Subject, tokens: int, cost_usd: float) -> None:
        for rule in self._rules:
            rule.on_spend(subject, tokens, cost_usd)

    def on_result(self, subject: Subject, call: ValidCall, result: ToolResult) -> ToolResult:
        for rule in self._rules:
            result = rule.on_result(subject, call, result)
        return result

    def screen(self, subject: Subject) -> Screen | None:
        screens = [each for rule in self._rules if (each := rule.screen(subject)) is not None]
        return Screens(screens) if len(screens) > 1 else next(iter(screens), None)

    def on_response(self, subject: Subject, text: str) -> str:
        for rule in self._rules:
            text = rule.on_response(subject, text)
        return text

    def on_register(self, subject: Subject, tool: ToolSpec) -> Allow | Deny:
        return _first_denial(rule.on_register(subject, tool) for rule in self._rules)

    def on_approve(self, subject: Subject, tool: ToolSpec) -> Allow | Deny:
        return _first_denial(rule.on_approve(subject, tool) for rule in self._rules)

    def on_escalate(self, subject: Subject, model: str) -> Allow | Deny:
        return _first_denial(rule.on_escalate(subject, model) for rule in self._rules)


def _first_denial(decisions: Iterable[Allow | Deny]) -> Allow | Deny:
    return next((each for each in decisions if isinstance(each, Deny)), ALLOW)
