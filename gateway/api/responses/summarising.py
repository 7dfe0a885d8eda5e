"""A summary as a run of its own: recorded, within the operator's limits, past all policies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from mistral_common.protocol.instruct.messages import ChatMessage
from starlette.types import Receive

from gateway.access.principal import Principal
from gateway.agent.run import Role, RunRequest
from gateway.api.driving import drive
from gateway.api.responses.shortening import Summary
from gateway.context.summary import summary_turn
from gateway.services import Services
from routing.errors import BackendError

log = logging.getLogger("gateway.api.responses")

_TOKENS = 1024
_SHARE = 8
"""Of the model's window, at most."""


async def summarised(
    services: Services,
    caller: Principal,
    role: Role,
    messages: Sequence[ChatMessage],
    receive: Receive,
) -> Summary:
    """Have the model in `role` say what `messages` said; empty where it can't.

    Raises `RequestDenied` where a policy has something against it, and `Stopped`.
    """
    backend = services.models["intermediary" if role == "gateway" else role]
    deadline = asyncio.get_running_loop().time() + services.limits.deadline_s
    most = min(_TOKENS, backend.context_tokens // _SHARE)
    try:
        turn = await summary_turn(backend, messages, max_tokens=most, deadline=deadline)
        run = RunRequest(
            messages=tuple(turn.messages),
            tool_globs=(),
            tool_choice="none",
            sampling=turn.sampling,
            role=role,
            limits=services.limits,
            tenant=caller.tenant,
            key=caller.key,
            caller_role=caller.role,
        )
        outcome = await drive(services, services.store.begin(run), receive)
    except BackendError as error:
        log.warning("a compacted window is without a summary: %s", error)
        return Summary()
    whole = outcome.stop in ("answer", "length")
    return Summary(outcome.text.strip() if whole else "", outcome.usage)
