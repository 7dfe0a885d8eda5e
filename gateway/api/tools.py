"""`/v1/tools`: the registry over REST.

What is registered here is kept, and reaches every gateway over the same store (`gateway.authoring`). `invoke` goes the way of a model's call: checked
against the schema, asked of policy, run; a tool that fails is a result and no error.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.access.principal import Principal
from gateway.api.access import Authors, UsesServices
from gateway.api.asgi import parse_object, read_body, require_json
from gateway.api.auth import Caller, needs
from gateway.api.calling import Ran, call_once, subject_of
from gateway.api.errors import ApiError
from gateway.api.openapi import json_body
from gateway.api.wire import DryWish, dry_run, refusal
from gateway.authoring import Authoring, NotAuthored
from gateway.services import Services
from gateway.tool_report import tool_report
from gateway.tool_report_data import as_data
from policies.decision import Deny, RequireApproval
from tools.errors import NameTaken, UnknownTool
from tools.registration import Registration, read_registration
from tools.repair import ParseProblem, parse_arguments
from tools.spec import InvalidCall, ToolSpec
from tools.versions import SEPARATOR, Version

router = APIRouter(prefix="/v1/tools", tags=["tools"])

_MOST_COMPARED_AT_ONCE = 1_000
"""Tools beyond which comparing names and descriptions would take longer than registering."""


class InvocationOptions(BaseModel):
    """The extension object `gateway` of `invoke`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dry_run: DryWish = False


class Invocation(BaseModel):
    """The body of `invoke`, as the OpenAPI document tells it; it is read as a model's call is."""

    model_config = ConfigDict(extra="forbid")

    arguments: dict[str, Any]
    gateway: InvocationOptions | None = None


@router.get("")
async def list_tools(services: UsesServices, authors: Authors) -> dict[str, Any]:
    """Every tool that is registered, in the order of registration."""
    await authors.refresh()
    specs = services.registry.snapshot().specs
    return {"object": "list", "data": [_described(services, spec) for spec in specs]}


@router.post(
    "",
    status_code=201,
    openapi_extra=json_body(Registration),
    dependencies=[Depends(needs("author"))],
)
async def register_tool(
    request: Request, services: UsesServices, authors: Authors, caller: Caller
) -> dict[str, Any]:
    """Register a tool that answers over HTTP; 409 when its name is in use."""
    registration = read_registration(parse_object(await _body(request, services)))
    return await _register(registration, services, authors, caller, replace=False)


@router.put(
    "/{name}", openapi_extra=json_body(Registration), dependencies=[Depends(needs("author"))]
)
async def put_tool(
    name: str, request: Request, services: UsesServices, authors: Authors, caller: Caller
) -> dict[str, Any]:
    """Register a tool, or its next version, which is called from now on; the older ones are kept."""
    registration = read_registration(parse_object(await _body(request, services)))
    if registration.name != name:
        raise ApiError(400, f"the path says {name[:64]!r}", param="name", code="invalid_value")
    return await _register(registration, services, authors, caller, replace=True)


@router.get("/{name}")
async def get_tool(name: str, services: UsesServices, authors: Authors) -> dict[str, Any]:
    """One tool's definition, at a version where it is `name@3` or `name@stable`."""
    await authors.refresh()
    return _described(services, services.registry.pinned(name).get(plain(name)))


@router.delete("/{name}", dependencies=[Depends(needs("author"))])
async def remove_tool(
    name: str, services: UsesServices, authors: Authors, caller: Caller
) -> dict[str, Any]:
    """Take a tool away; runs that have begun keep it to their end."""
    await authors.refresh()
    require_register(services, caller, services.registry.get(name))
    await authors.remove(name)
    return {"object": "tool.deleted", "name": name, "deleted": True}


@router.post("/{name}/invoke", openapi_extra=json_body(Invocation))
async def invoke_tool(
    name: str, request: Request, services: UsesServices, authors: Authors, caller: Caller
) -> dict[str, Any]:
    """Run a tool once: `{"arguments": {…}}` in, its result out. `name@3` is that version of it."""
    try:
        toolset = services.registry.pinned(name)
    except UnknownTool:  # it may have been registered elsewhere, a moment ago
        await authors.refresh()
        toolset = services.registry.pinned(name)
    arguments, options = await _invocation(request, services)
    subject = subject_of(caller)
    dry = dry_run(options.dry_run)
    outcome = await call_once(services, toolset, subject, plain(name), arguments, dry=dry)
    if not isinstance(outcome, Ran):
        raise _refusal(outcome)
    call, result = outcome.call, outcome.result
    return {
        "object": "tool.result",
        "run_id": subject.run_id,
        "name": call.name,
        "version": call.tool.version,
        "content": result.content,
        "is_error": result.is_error,
        "failure": result.failure,
        "elapsed_s": result.elapsed_s,
        "attempts": result.attempts,
        "truncated_from": result.truncated_from,
        "repairs": list(call.repairs),
        **_leaving(services, call.tool),
        **({"dry_run": True} if result.dry else {}),
    }


def _leaving(services: Services, spec: ToolSpec) -> dict[str, str]:
    """The word of the version that was called for those who still use it, if there is one."""
    try:
        notice = services.registry.history(spec.name).find(str(spec.version)).deprecated
    except UnknownTool:  # taken away meanwhile
        return {}
    return {} if notice is None else {"deprecated": notice}


async def _register(
    registration: Registration,
    services: Services,
    authors: Authoring,
    caller: Principal,
    *,
    replace: bool,
) -> dict[str, Any]:
    require_register(services, caller, registration.spec())
    try:
        history = await authors.register(registration, replace=replace)
    except NameTaken as error:
        raise ApiError(409, error.why, param=error.where, code="name_taken") from error
    except NotAuthored as error:
        raise not_authored(error) from error
    version = history.versions[history.current]
    spec = version.entry.spec
    report = await tool_report(
        spec, services.registry, services.models, most_others=_MOST_COMPARED_AT_ONCE
    )
    return {**_describe(spec, version), "report": as_data(report)}


def plain(reference: str) -> str:
    """The name in `name@3`."""
    return reference.partition(SEPARATOR)[0]


def not_authored(error: NotAuthored) -> ApiError:
    """409 for a tool that follows something else than this API."""
    return ApiError(409, str(error), param="name", code="not_registered_here")


def require_register(services: Services, caller: Principal, spec: ToolSpec) -> None:
    """Raises `ApiError` 403 where policy keeps the caller from registering or removing this tool."""
    decision = services.policies.on_register(subject_of(caller), spec)
    if isinstance(decision, Deny):
        raise _refusal(decision)


async def _invocation(
    request: Request, services: Services
) -> tuple[dict[str, Any], InvocationOptions]:
    """The arguments in the body, read as strictly as a model's, numbers of any size kept exactly."""
    body = await _body(request, services)
    repairs: list[str] = []
    try:
        parsed = parse_arguments(body.decode(), repairs)
    except UnicodeDecodeError as error:
        raise ApiError(400, "the body is not UTF-8", code="invalid_json") from error
    if isinstance(parsed, ParseProblem):
        raise ApiError(400, parsed.message, code="invalid_json")
    if repairs or not isinstance(parsed.get("arguments"), dict):
        problem = 'the body has to be {"arguments": {…}}'
        raise ApiError(400, problem, param="arguments", code="invalid_value")
    if unknown := [key for key in parsed if key not in Invocation.model_fields]:
        name = unknown[0][:64]
        problem = f"unknown parameter: {name}"
        raise ApiError(400, problem, param=name, code="unknown_parameter")
    try:
        wished = parsed.get("gateway")
        options = InvocationOptions.model_validate({} if wished is None else wished)
    except ValidationError as error:
        inner = refusal(error)
        param = f"gateway.{inner.param}" if inner.param else "gateway"
        raise ApiError(400, inner.message, param=param, code=inner.code) from error
    return parsed["arguments"], options


async def _body(request: Request, services: Services) -> bytes:
    require_json(request.scope)
    return await read_body(request.scope, request.receive, services.max_body_bytes)


def _refusal(outcome: InvalidCall | Deny | RequireApproval) -> ApiError:
    match outcome:
        case InvalidCall():
            param = "arguments" + outcome.path.removeprefix("$")
            return ApiError(400, outcome.message, param=param, code="invalid_call")
        case Deny(reason, rule, float(wait_s)):
            kind, after_s = "rate_limit_error", max(1, math.ceil(wait_s))
            return ApiError(429, reason, code=rule, kind=kind, retry_after_s=after_s)
        case Deny(reason, rule):
            kind = "permission_error"
            return ApiError(403, reason, code=rule or "denied_by_policy", kind=kind)
        case RequireApproval(reason):
            kind = "permission_error"
            return ApiError(403, reason, code="approval_required", kind=kind)


def _definition(spec: ToolSpec) -> dict[str, Any]:
    annotations = spec.annotations
    return {
        "name": spec.name,
        "description": spec.description,
        "parameters": dict(spec.parameters),
        "returns": None if spec.returns is None else dict(spec.returns),
        "annotations": {
            "read_only": annotations.read_only,
            "idempotent": annotations.idempotent,
            "destructive": annotations.destructive,
            "open_world": annotations.open_world,
        },
        **({} if spec.read_back is None else {"read_back": asdict(spec.read_back)}),
        **({} if spec.resource is None else {"resource": spec.resource}),
        **({} if spec.result_tokens is None else {"result_tokens": spec.result_tokens}),
    }


def _described(services: Services, spec: ToolSpec) -> dict[str, Any]:
    return _describe(spec, services.registry.history(spec.name).versions[spec.version])


def _describe(spec: ToolSpec, version: Version) -> dict[str, Any]:
    return {
        "object": "tool",
        **_definition(spec),
        "effect": spec.effect,
        "bounds": _bounds(spec, version),
        "version": spec.version,
        "hash": version.digest,
        "deprecated": version.deprecated,
    }


def _bounds(spec: ToolSpec, version: Version) -> dict[str, Any]:
    """What holds for every call: times in seconds, and what was set for the upstream."""
    times = {"timeout_s": spec.timeout_s, "cache_s": spec.cache_s}
    return {**times, **version.entry.bounds.as_data()}
