"""How often and how much: requests, calls, tokens and money in a span of time."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from mistral_common.protocol.instruct.messages import ChatMessage

from policies.allowance import Allowance, LocalAllowance, Rate
from policies.decision import ALLOW, Allow, Decision, Deny
from policies.policy import Policy, Subject
from tools.spec import ValidCall

Per = Literal["key", "tenant", "all"]


class RateLimit(Policy):
    """Within `every_s` seconds at most so many `requests`, `calls` of `tools`, `tokens` and US dollars.

    Counted for each key (each tenant where there are no keys), each tenant, or all together; calls also for
    each tool with `each_tool`. Requests and calls are counted before they happen. Tokens and money are
    known afterwards: a request is let in while anything is left, and what it takes too much is owed.
    """

    name = "rate_limit"

    def __init__(
        self,
        *,
        per: Per = "key",
        every_s: float = 60.0,
        requests: int | None = None,
        calls: int | None = None,
        tokens: int | None = None,
        cost_usd: float | None = None,
        tools: Sequence[str] = ("*",),
        each_tool: bool = False,
        allowance: Allowance | None = None,
    ) -> None:
        amounts = {"requests": requests, "calls": calls, "tokens": tokens, "cost_usd": cost_usd}
        self._rates = {name: Rate(most, every_s) for name, most in amounts.items() if most}
        self._per = per
        self._tools = tuple(tools)
        self._each_tool = each_tool
        self._allowance: Allowance = LocalAllowance() if allowance is None else allowance

    def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
        del messages
        for what in ("tokens", "cost_usd", "requests"):  # what takes nothing is asked first
            taken = 1.0 if what == "requests" else 0.0
            if isinstance(decision := self._take(what, subject, taken), Deny):
                return decision
        return ALLOW

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        if not any(fnmatchcase(call.name, glob) for glob in self._tools):
            return ALLOW
        return self._take("calls", subject, 1.0, call.name if self._each_tool else "")

    def on_spend(self, subject: Subject, tokens: int, cost_usd: float) -> None:
        for what, amount in (("tokens", tokens), ("cost_usd", cost_usd)):
            if (rate := self._rates.get(what)) is not None and amount:
                self._allowance.spend(self._key(what, subject), rate, amount)

    def _take(self, what: str, subject: Subject, amount: float, tool: str = "") -> Allow | Deny:
        rate = self._rates.get(what)
        if rate is None:
            return ALLOW
        wait_s = self._allowance.take(self._key(what, subject, tool), rate, amount)
        if wait_s <= 0:
            return ALLOW
        unit = "US dollars" if what == "cost_usd" else what
        reason = (
            f"more than {rate.most:g} {unit} in {rate.every_s:g} s; try again in {wait_s:.0f} s"
        )
        return Deny(reason, self.name, wait_s)

    def _key(self, what: str, subject: Subject, tool: str = "") -> str:
        # the parts are kept apart by a character that no name holds
        who = {"key": f"{subject.tenant}\0{subject.key}", "tenant": subject.tenant, "all": ""}
        return f"{what}\0{tool}\0{who[self._per]}"
