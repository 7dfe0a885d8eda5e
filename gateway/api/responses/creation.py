"""The Responses API without HTTP: a body in, events out, everything kept. For any transport.

How to use it (`endpoint.py` is the example):

    request = parse_request(body)                            # ApiError 400
    with live.writing(tenant, request.conversation_id):      # ApiError 409; one writer a conversation
        creation = await prepare(request, services, caller)  # ApiError, TranscriptError, …
        document = await respond(creation, services, receive, emit)

`respond` awaits `emit(events)` with each batch of stream events as soon as they are there, in order,
their `sequence_number` in them; the last batch ends in the event that is final. A transport may hold
back what comes before the first batch that has content (`opens(events)`): as long as no such batch was
emitted, errors are raised and nothing is stored, so they can still be told as HTTP errors or envelopes.
After it, an error is a last `response.failed`, and `respond` returns.

`receive` is ASGI's: when it gives `http.disconnect` the run is stopped and `Stopped("disconnected")`
raised; what was done until then is kept as `cancelled`. `nobody_leaves` is for runs without a client.
`Stopped("cancelled")` is raised when the run was cancelled from outside (`services.live`); where the
stream is open, its `error` event was emitted before.

A transport that keeps responses itself (a socket with `store: false`) hands their whole windows to
`prepare` as `kept`: response id → items, oldest first. `Creation.window_after(document)` makes the next.
What is said before the last event is emitted is stored before it, too: whoever reads `completed` can
continue at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from starlette.types import Message, Receive

from gateway.access.principal import Principal
from gateway.agent.events import RunEvent, RunFinished
from gateway.agent.run import Limits, Role, RunRequest, new_run_id
from gateway.api.driving import GOES_ON, drive
from gateway.api.errors import Answer, ApiError
from gateway.api.images import require_image_reader
from gateway.api.responses import document
from gateway.api.responses.ids import input_ids, response_id
from gateway.api.responses.keeping import Keeping
from gateway.api.responses.offer import offer
from gateway.api.responses.output import Event, Output
from gateway.api.responses.request import ResponseRequest
from gateway.api.responses.told import told
from gateway.api.responses.window import (
    SUMMARISED_WINDOWS,
    Room,
    Window,
    chain,
    previous,
    read_window,
    refilled,
    resolve,
)
from gateway.api.wire import (
    NO_WISHES,
    GatewayOptions,
    granted,
    service_tier,
    tightened,
    wished_context,
)
from gateway.context.options import ContextOptions
from gateway.live import Stopped
from gateway.services import Services
from gateway.storage.items import Item
from gateway.storage.runs import RunLog
from gateway.transcript.response_items import read_items
from gateway.transcript.responses import from_items
from routing.backend import tells_logprobs
from tools.schema import compile_schema

Emit = Callable[[Sequence[Event]], Awaitable[None]]
_BEFORE_CONTENT = frozenset({"response.created", "response.queued", "response.in_progress"})
SHUTDOWN = Answer(503, "the gateway stopped before the response was done", "server_error")


@dataclass(frozen=True, slots=True)
class Creation:
    """A request that may run. `inputs` are its own items, `window` what was before them."""

    request: ResponseRequest
    run: RunRequest
    tenant: str
    id: str
    created_at: float
    inputs: tuple[Item, ...]
    window: Window
    previous_is_stored: bool = False

    def head(self) -> dict[str, Any]:
        """The response object as it begins."""
        head = document.head(
            self.request, response_id=self.id, run_id=self.run.run_id, created_at=self.created_at
        )
        head["service_tier"] = service_tier(self.run.priority)
        if self.window.cut:
            head["gateway"]["truncated"] = {"kept_items": len(self.window.items)}
        return head

    def window_after(self, made: Mapping[str, Any]) -> tuple[Item, ...]:
        """The whole conversation with the finished response `made` in it."""
        return (*self.window.items, *self.inputs, *made["output"])


def opens(events: Sequence[Event]) -> bool:
    """Whether these events tell of more than that a response has begun."""
    return any(event["type"] not in _BEFORE_CONTENT for event in events)


async def nobody_leaves() -> Message:
    """A `receive` for runs that no client waits for."""
    await asyncio.Event().wait()
    raise RuntimeError("an event that nobody sets was set")


async def prepare(
    request: ResponseRequest,
    services: Services,
    caller: Principal,
    kept: Mapping[str, Sequence[Item]] | None = None,
) -> Creation:
    """Look up what the request refers to and make its run. Raises what a client can do wrong."""
    _require_model(request.model, services)
    tenant = caller.tenant
    run_id, created_at = new_run_id(), time.time()
    new_id = input_ids(run_id)
    if request.input is None and request.previous_response_id is None and not request.conversation:
        raise ApiError(400, "missing parameter: input", param="input", code="missing_parameter")
    brought = await refilled(services, tenant, [] if request.input is None else request.input)
    read = read_items(brought, new_id)
    inputs = await resolve(services, tenant, read, new_id, conversation_id=request.conversation_id)
    options = request.gateway or NO_WISHES
    context = _context(request, services.context, options)
    room = _room(request, services, context)
    window, is_stored = await _before(request, services, tenant, room, kept or {})
    transcript = from_items(window.items, inputs, request.instructions)
    schema = request.output_schema()
    if schema is not None:
        compile_schema(schema, "text.format.schema")
    run = RunRequest(
        messages=transcript.messages,
        client_tools=tuple(tool.spec() for tool in request.tools or ()),
        tool_globs=None if options.tools is None else tuple(options.tools),
        tool_choice=request.choice.wanted,
        parallel_tool_calls=request.parallel_tool_calls is not False,
        sampling=request.sampling(),
        output_schema=schema,
        role=cast("Role", request.model),
        limits=_limits(request, services.limits, options),
        escalation=options.escalation,
        logprobs=request.wants_logprobs,
        top_logprobs=request.top_logprobs or 0,
        run_id=run_id,
        extract_code=options.extract == "code",
        context=context,
        tenant=tenant,
        key=caller.key,
        caller_role=caller.role,
        priority=granted(services.priorities, request.service_tier, options, caller),
    )
    require_image_reader(run, transcript.images, services.models)
    _require_logprobs(run, services)
    return Creation(
        request=request,
        run=offer(run, request.choice, services.registry),
        tenant=tenant,
        id=response_id(run_id),
        created_at=created_at,
        inputs=tuple(inputs),
        window=window,
        previous_is_stored=is_stored,
    )


async def respond(
    creation: Creation,
    services: Services,
    receive: Receive,
    emit: Emit,
    *,
    begun: bool = False,
    again: bool = False,
) -> dict[str, Any]:
    """Run it; gives the response as it ended. `begun` when it is stored already (in the background).

    `again` when another process has begun it. A durable run that can't go on here is left as it is.
    """
    output = Output(creation.run, creation.head())
    keeping = Keeping(creation, services, begun=begun)
    opened = begun
    last: tuple[Event, ...] = ()
    log: RunLog | None = None

    async def send(batch: Sequence[Event]) -> None:
        keeping.note(batch)
        await emit(batch)

    async def end(batch: Sequence[Event]) -> None:
        keeping.note(batch)
        await keeping.finish(output, log)
        await emit(batch)

    async def hear(event: RunEvent) -> None:
        nonlocal last, opened
        batch = tuple(output.feed(event))
        if isinstance(event, RunFinished):
            last = batch
        elif batch:
            if not opened and creation.request.stream:
                await keeping.begin(output)
            opened = True
            await send(batch)

    await send(tuple(output.begin()))
    try:
        store = services.store
        log = await store.restart(creation.run) if again else store.begin(creation.run)
        await drive(services, log, receive, hear)
        if last:
            # a run that is over can't be stopped any more: its end is stored, whoever leaves now
            await end(last)
    except Stopped as stopped:
        if opened and output.is_open:
            await end(tuple(output.cancel(f"the response was stopped: {stopped.cause}")))
        raise
    except asyncio.CancelledError:
        if opened and output.is_open and not creation.run.durable:
            await end(tuple(output.fail(SHUTDOWN)))
        raise
    except Exception as error:
        goes_on = creation.run.durable and isinstance(error, GOES_ON)
        if not opened or not output.is_open or goes_on:
            raise
        await end(tuple(output.fail(told(error))))
    return output.document


def _require_model(model: str, services: Services) -> None:
    if model != "gateway" and model not in services.models:
        known = ", ".join(("gateway", *services.models))
        problem = f"no model {model[:64]!r} here; there are {known}"
        raise ApiError(404, problem, param="model", code="model_not_found")


async def _before(
    request: ResponseRequest,
    services: Services,
    tenant: str,
    room: Room,
    kept: Mapping[str, Sequence[Item]],
) -> tuple[Window, bool]:
    """What was before, and whether a previous response is in the store."""
    if (previous_id := request.previous_response_id) is not None:
        if previous_id in kept:
            stored = await services.responses.get(tenant, previous_id)
            return Window(tuple(kept[previous_id])), stored is not None
        await previous(services, tenant, previous_id)
        return await read_window(chain(services, tenant, previous_id), room), True
    if (conversation_id := request.conversation_id) is not None:
        if await services.conversations.get(tenant, conversation_id) is None:
            problem = f"Conversation with id {conversation_id[:64]!r} not found."
            raise ApiError(404, problem, param="conversation", code="conversation_not_found")
        history = services.conversations.history(tenant, conversation_id)
        return await read_window(history, room), False
    return Window(), False


def _context(
    request: ResponseRequest, operator: ContextOptions, options: GatewayOptions
) -> ContextOptions:
    """What happens when not all fits: as `gateway.context` says, else `truncation`, else the operator."""
    wished = wished_context(operator, options)
    if options.context is not None and options.context.strategy is not None:
        return wished
    if request.truncation == "disabled":
        return replace(wished, strategy="refuse")
    if request.truncation == "auto" and wished.strategy == "refuse":
        return replace(wished, strategy="drop")
    return wished


def _room(request: ResponseRequest, services: Services, context: ContextOptions) -> Room:
    """How much of the past is read: a window of the model's, and some to make a summary of."""
    if context.strategy == "refuse":
        return Room(max(model.context_tokens for model in services.models.values()))
    backend = services.models["intermediary" if request.model == "gateway" else request.model]
    windows = SUMMARISED_WINDOWS if context.strategy == "summarise" else 1
    return Room(windows * backend.context_tokens, backend)


def _limits(request: ResponseRequest, operator: Limits, options: GatewayOptions) -> Limits:
    limits = tightened(operator, options)
    if request.max_tool_calls is None:
        return limits
    calls = [n for n in (limits.max_tool_calls, request.max_tool_calls) if n is not None]
    return replace(limits, max_tool_calls=min(calls) if calls else None)


def _require_logprobs(run: RunRequest, services: Services) -> None:
    """Log-probabilities have to come from a model whose engine can tell them."""
    if not run.logprobs:
        return
    backend = services.models["intermediary" if run.role == "gateway" else run.role]
    if not tells_logprobs(backend):
        problem = f"the engine of {backend.model} does not tell log-probabilities"
        raise ApiError(400, problem, param="include", code="unsupported")
