"""`/v1/approvals` and `/v1/runs/{id}/approvals`: a person's word on calls that a rule holds."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.access.principal import Principal
from gateway.agent.suspension import loaded
from gateway.api.access import Tenant, UsesServices
from gateway.api.auth import Caller, needs
from gateway.api.body import body_of
from gateway.api.encoding import document
from gateway.api.errors import ApiError
from gateway.api.found import find_run
from gateway.api.openapi import json_body
from gateway.history.digest import question
from gateway.resuming import Resuming
from gateway.services import Services
from gateway.storage.suspensions import DecisionRefused, Suspension
from policies.decision import Deny
from policies.policy import Subject
from tools.spec import InvalidCall

router = APIRouter(prefix="/v1", tags=["approvals"])


class DecisionBody(BaseModel):
    """`approve` as it is, `edit` with other `arguments`, `reject` with a `reason` that the model reads."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "edit", "reject"]
    arguments: dict[str, Any] | None = None
    reason: Annotated[str, Field(max_length=2_000)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> DecisionBody:
        if (self.arguments is not None) != (self.decision == "edit"):
            raise ValueError("'arguments' belong to the decision 'edit', and only to it")
        return self


@router.get("/approvals")
async def list_waiting(
    services: UsesServices, tenant: Tenant, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Response:
    """The calls that wait for a person, of at most `limit` runs, the oldest first."""
    found = await services.suspensions.undecided(tenant, limit)
    return document(
        {
            "object": "list",
            "data": [_waiting(run, call) for run in found for call in run.open_ones()],
        }
    )


@router.get("/runs/{run_id}/approvals")
async def list_approvals(run_id: str, services: UsesServices, tenant: Tenant) -> Response:
    """The calls of a run that wait, or waited, for a person."""
    kept = await services.suspensions.get(tenant, run_id)
    if kept is None:
        await find_run(services, tenant, run_id)
    return document({"object": "list", "data": [] if kept is None else list(kept.approvals)})


@router.post(
    "/runs/{run_id}/approvals/{call_id}",
    dependencies=[Depends(needs("operator"))],
    openapi_extra=json_body(DecisionBody),
)
async def decide(
    run_id: str,
    call_id: str,
    body: Annotated[DecisionBody, Depends(body_of(DecisionBody))],
    *,
    request: Request,
    services: UsesServices,
    caller: Caller,
) -> Response:
    """Decide about a call. When all calls of the turn are decided, the run goes on in the background.

    The same decision again gets the same answer; another one is a 409, as is one that comes too late.
    """
    tenant = caller.tenant
    kept = await services.suspensions.get(tenant, run_id)
    if kept is not None and (approval := kept.approval(call_id)) is not None:
        _may_decide(services, caller, run_id, approval["name"])
        if body.arguments is not None and approval["decision"] is None:
            _check_edit(services, kept, approval, body.arguments)
    decision = {
        "decision": body.decision,
        "edited_arguments": body.arguments,
        "decision_reason": body.reason or None,
    }
    try:
        changed = await services.suspensions.decide(tenant, run_id, call_id, decision)
    except DecisionRefused as refused:
        status = 404 if refused.code == "approval_not_found" else 409
        raise ApiError(status, str(refused), code=refused.code) from refused
    await services.audit.write(caller, f"{body.decision}_call", call_id, run_id)
    if changed.status == "decided":
        resuming: Resuming = request.app.state.resuming
        resuming.look_soon()
    waiting = [each["call_id"] for each in changed.open_ones()]
    told = {"object": "approval", "run_id": run_id, **(changed.approval(call_id) or {})}
    return document({**told, "waiting": waiting})


def _waiting(run: Suspension, call: dict[str, Any]) -> dict[str, Any]:
    """A call as whoever is to decide about it sees it. What another version suspended has no question."""
    asked = run.state.get("suspended", {}).get("request", {})
    about = {"object": "approval", "run_id": run.run_id, "created_at": run.created_at}
    return {**about, "question": question(asked.get("messages", ())), **call}


def _may_decide(services: Services, caller: Principal, run_id: str, name: str) -> None:
    """Policy has to agree that this person decides. Raises `ApiError` 403. What is gone can't run anyway."""
    tools = services.registry.snapshot()
    if name not in tools:
        return
    person = Subject(run_id, caller.tenant, caller.key, caller.role)
    if isinstance(denied := services.policies.on_approve(person, tools.get(name)), Deny):
        code = denied.rule or "denied_by_policy"
        raise ApiError(403, denied.reason, code=code, kind="permission_error")


def _check_edit(
    services: Services, kept: Suspension, approval: dict[str, Any], arguments: dict[str, Any]
) -> None:
    """Other arguments have to be as valid and allowed as the model's. Raises `ApiError` with the place.

    They are judged once more, with the whole conversation, when the run goes on.
    """
    try:
        suspended = loaded(kept.state["suspended"])
    except ValidationError as error:
        problem = "another version of the gateway held this call, and this one can't go on with it"
        raise ApiError(409, problem, code="approval_unreadable") from error
    asked, name = suspended.request, approval["name"]
    function = FunctionCall(name=name, arguments=json.dumps(arguments))
    call = ToolCall(id=approval["call_id"], function=function)
    versions = suspended.tools or {}
    registry = services.registry
    toolset = registry.at(versions) if name in versions else registry.snapshot()
    checked = toolset.check(call)
    if isinstance(checked, InvalidCall):
        param = "arguments" + checked.path.removeprefix("$")
        raise ApiError(400, checked.message, param=param, code="invalid_call")
    subject = Subject(kept.run_id, kept.tenant, asked.key, asked.caller_role, step=kept.step)
    if isinstance(denied := services.policies.on_call(subject, checked), Deny):
        raise ApiError(403, denied.reason, code=denied.rule, kind="permission_error")
