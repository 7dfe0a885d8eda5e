"""Which models may be asked for by name."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from mistral_common.protocol.instruct.messages import ChatMessage

from policies.decision import ALLOW, Allow, Deny
from policies.policy import Policy, Subject


class AllowedModels(Policy):
    """Requests of `roles` (globs) may name only `models`. What `gateway` routes to is not restricted."""

    name = "allowed_models"

    def __init__(self, models: Sequence[str], roles: Sequence[str] = ("*",)) -> None:
        self._models = frozenset(models)
        self._roles = tuple(roles)

    def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
        del messages
        concerned = any(fnmatchcase(subject.role, glob) for glob in self._roles)
        if not concerned or not subject.model or subject.model in self._models:
            return ALLOW
        return Deny(f"the operator does not allow the model {subject.model} here", self.name)
