"""The rule that asks the Cedar policies.

An answer that depends on nothing but who and which tool is kept until the policies change, so that an
ordinary request asks Cedar once a tool; where policies look at the context of a call, each call is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from mistral_common.protocol.instruct.messages import ChatMessage

from policies.cedar.arguments import TooManyArguments, flat
from policies.cedar.entities import (
    NO_CONTEXT,
    NOTHING,
    Asked,
    Uid,
    asked_of_call,
    principal,
    resource,
)
from policies.cedar.policy_set import Answer, PolicySet
from policies.cedar.reloading import ReloadedSet
from policies.conversation import brought, said
from policies.decision import ALLOW, Allow, Decision, Deny, RequireApproval
from policies.policy import Policy, Subject
from policies.taint.flow import marks
from tools.spec import ToolSpec, ValidCall

_MOST_KEPT = 4096
_ANONYMOUS = "anonymous"


class CedarAccess(Policy):
    """Every hook that is about who may: offer, call, register, approve, escalate."""

    name = "cedar"

    def __init__(
        self, policies: ReloadedSet, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._policies = policies
        self._now = now
        self._asked_of = policies.current()
        self._kept: dict[tuple[str, ...], tuple[ToolSpec | None, Answer]] = {}

    @property
    def version(self) -> str:
        """The version of the policies in force."""
        return self._policies.current().version

    @property
    def counts_cost(self) -> bool:
        """Whether a policy looks at what the run has cost."""
        return self._current().reads_cost

    def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
        """A request that pins the expert asks for it as an escalation does."""
        del messages
        return self.on_escalate(subject, subject.model) if subject.model == "expert" else ALLOW

    def on_offer(self, subject: Subject, tool: ToolSpec) -> bool:
        self._current()
        return self._kept_answer(subject, "offer", tool.name, tool).said != "deny"

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        answer = self.answer_call(subject, call)
        if answer.said == "allow":
            return ALLOW
        rule = next(iter(answer.policies), self.name)
        decide = RequireApproval if answer.said == "approval" else Deny
        return decide(answer.reason, rule)

    def on_register(self, subject: Subject, tool: ToolSpec) -> Allow | Deny:
        return _plain(self.answer(subject, "register", tool.name, tool))

    def on_approve(self, subject: Subject, tool: ToolSpec) -> Allow | Deny:
        return _plain(self.answer(subject, "approve", tool.name, tool))

    def on_escalate(self, subject: Subject, model: str) -> Allow | Deny:
        self._current()
        return _plain(self._kept_answer(subject, "escalate", model, None))

    def answer(
        self, subject: Subject, action: str, name: str, tool: ToolSpec | None = None
    ) -> Answer:
        """What the policies say to anything but a call."""
        self._current()
        return self._answer(subject, action, name, tool)

    def answer_call(self, subject: Subject, call: ValidCall) -> Answer:
        """What the policies say about a call."""
        policies = self._current()
        if not policies.reads_context:
            return self._kept_answer(subject, "call", call.name, call.tool)
        try:
            asked = self._context(policies, subject, call)
        except TooManyArguments:
            return Answer("deny", "it has more arguments than policies are asked about")
        return self._answer(subject, "call", call.name, call.tool, asked)

    def _current(self) -> PolicySet:
        """The policies in force: looked at once for each question, before it is answered."""
        policies = self._policies.current()
        if policies is not self._asked_of:
            self._asked_of = policies
            self._kept.clear()
        return policies

    def _kept_answer(
        self, subject: Subject, action: str, name: str, tool: ToolSpec | None
    ) -> Answer:
        key = action, subject.key, subject.role, subject.tenant, name
        kept = self._kept.get(key)
        if kept is not None and kept[0] is tool:
            return kept[1]
        asked = NO_CONTEXT if action == "call" else NOTHING
        answer = self._answer(subject, action, name, tool, asked)
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = tool, answer
        return answer

    def _answer(
        self,
        subject: Subject,
        action: str,
        name: str,
        tool: ToolSpec | None,
        asked: Asked = NOTHING,
    ) -> Answer:
        who: Uid = {"type": "Key", "id": subject.key or _ANONYMOUS}
        what: Uid = {"type": "Model" if tool is None else "Tool", "id": name}
        known = [*principal(who, subject), resource(what, tool), *asked.entities]
        return self._asked_of.ask(who, action, what, asked.context, known)

    def _context(self, policies: PolicySet, subject: Subject, call: ValidCall) -> Asked:
        tainted = _is_tainted(subject, call) if policies.reads_taint else None
        arguments = flat(call.arguments) if policies.reads_arguments else None
        return asked_of_call(subject, self._now(), arguments, tainted=tainted)


def _plain(answer: Answer) -> Allow | Deny:
    """For what has no second step: whatever needs a person is refused."""
    if answer.said == "allow":
        return ALLOW
    return Deny(answer.reason, next(iter(answer.policies), CedarAccess.name))


def _is_tainted(subject: Subject, call: ValidCall) -> bool:
    sources = list(brought(subject.messages))
    found = marks(call.arguments, call.tool.parameters, sources, said(subject.messages))
    return next(found, None) is not None
