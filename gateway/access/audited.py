"""Policies whose decisions stand in the audit log: what was refused, held, registered, or changes something."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from mistral_common.protocol.instruct.messages import ChatMessage

from gateway.storage.audit import Entry
from policies.allowance import Allowance
from policies.decision import Allow, Decision, Deny, RequireApproval
from policies.policy import Policies, Policy, Subject
from tools.spec import Effect, ToolSpec, ValidCall


class AuditedPolicies(Policies):
    """Hands each decision that matters to `record`. Reads that are allowed do not: runs have them."""

    def __init__(
        self,
        rules: Sequence[Policy],
        record: Callable[[Entry], None],
        version: Callable[[], str],
        allowance: Allowance | None = None,
    ) -> None:
        super().__init__(rules, allowance)
        self._record = record
        self._version = version

    def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
        decision = super().on_request(subject, messages)
        if isinstance(decision, Deny):
            self._note(subject, "request", subject.model, decision)
        return decision

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        decision = super().on_call(subject, call)
        if not isinstance(decision, Allow) or call.tool.effect is not Effect.READ:
            self._note(subject, "call", call.name, decision)
        return decision

    async def admit(self, subject: Subject) -> Allow | Deny:
        decision = await super().admit(subject)
        if isinstance(decision, Deny):
            self._note(subject, "request", subject.model, decision)
        return decision

    async def admit_calls(self, subject: Subject, calls: Sequence[ValidCall]) -> Mapping[str, Deny]:
        denied = await super().admit_calls(subject, calls)
        for call in calls:
            if call.id in denied:
                self._note(subject, "call", call.name, denied[call.id])
        return denied

    def on_register(self, subject: Subject, tool: ToolSpec) -> Allow | Deny:
        decision = super().on_register(subject, tool)
        self._note(subject, "register", tool.name, decision)
        return decision

    def on_approve(self, subject: Subject, tool: ToolSpec) -> Allow | Deny:
        decision = super().on_approve(subject, tool)
        self._note(subject, "approve", tool.name, decision)
        return decision

    def _note(self, subject: Subject, action: str, what: str, decision: Decision) -> None:
        said, policy = "allow", ""
        if isinstance(decision, (Deny, RequireApproval)):
            said = "deny" if isinstance(decision, Deny) else "approval"
            policy = decision.rule
        self._record(
            Entry(
                at=time.time(),
                who=subject.key,
                tenant=subject.tenant,
                action=action,
                what=what,
                said=said,
                policy=policy,
                version=self._version(),
                run_id=subject.run_id,
            )
        )
