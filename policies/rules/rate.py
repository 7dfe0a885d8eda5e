"""How often and how much: requests, calls, tokens and money in a span of time."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from policies.allowance import Draw, Rate
from policies.policy import Policy, Subject, Use

Per = Literal["key", "tenant", "all"]
_UNITS = {"cost_usd": "US dollars"}


class RateLimit(Policy):
    """Within `every_s` seconds at most so many `requests`, `calls` of `tools`, `tokens` and US dollars.

    Counted for each key (each tenant where there are no keys), each tenant, or all together; calls also for
    each tool with `each_tool`. Requests and calls are counted before they happen. Tokens and money are
    known afterwards: a request is let in while anything is left, and what it takes too much is owed.

    It says only what is to be taken from which bucket; `Policies` takes it. A bucket's name holds all that
    is limited, so that every gateway with this rule means the same one, and a changed rule begins anew.
    """

    name = "rate_limit"
    limits_rates = True

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
    ) -> None:
        amounts = {"requests": requests, "calls": calls, "tokens": tokens, "cost_usd": cost_usd}
        self._rates = {name: Rate(most, every_s) for name, most in amounts.items() if most}
        self.limits_calls = calls is not None
        self._per: Per = per
        self._tools = tuple(tools)
        self._each_tool = each_tool

    def on_use(self, subject: Subject, use: Use) -> Sequence[Draw]:
        if use.call:
            if not any(fnmatchcase(use.call, glob) for glob in self._tools):
                return ()
            return self._draws(subject, {"calls": 1.0}, use.call if self._each_tool else "")
        if use.begins:
            return self._draws(subject, {"requests": 1.0, "tokens": 0.0, "cost_usd": 0.0})
        spent = {"tokens": float(use.tokens), "cost_usd": use.cost_usd}
        return self._draws(subject, {what: amount for what, amount in spent.items() if amount})

    def _draws(self, subject: Subject, amounts: dict[str, float], tool: str = "") -> list[Draw]:
        return [
            Draw(self._bucket(what, subject, tool), rate, amount, self.name, _UNITS.get(what, what))
            for what, amount in amounts.items()
            if (rate := self._rates.get(what)) is not None
        ]

    def _bucket(self, what: str, subject: Subject, tool: str) -> str:
        # the parts are kept apart by a character that no name holds
        who = {"key": f"{subject.tenant}\0{subject.key}", "tenant": subject.tenant, "all": ""}
        globs = ",".join(self._tools) if what == "calls" else ""
        rate = self._rates[what]
        limited = f"{what}\0{rate.most:g}/{rate.every_s:g}\0{globs}\0{tool}"
        return f"{limited}\0{self._per}\0{who[self._per]}"
