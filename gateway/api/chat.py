"""`POST /v1/chat/completions`: OpenAI's chat, streaming and not, over the loop's events.

A plain ASGI endpoint: this is the hot route. One run, one reading of its events; streaming or not only
decides when the bytes leave. An error before the first word of an answer is an HTTP error; after it,
an event in the stream in the same shape.
"""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.types import Receive, Scope, Send

from gateway.access.principal import Principal
from gateway.agent.events import CallAccepted, RunEvent, TextDelta, TurnFinished
from gateway.agent.run import Outcome, RunRequest
from gateway.api.asgi import (
    JSON,
    ClientGone,
    Headers,
    parse_object,
    read_body,
    require_json,
    send_bytes,
    send_error,
)
from gateway.api.auth import principal_of
from gateway.api.chat_answer import ChatAnswer, Ending
from gateway.api.driving import drive, settle
from gateway.api.encoding import encode
from gateway.api.errors import ApiError, answer
from gateway.api.images import require_image_reader
from gateway.api.likelihood import of_answer
from gateway.api.wire import ChatRequest, parse_chat, run_request
from gateway.live import Stopped
from gateway.services import Services
from gateway.storage.runs import RunLog
from gateway.transcript import from_chat
from routing.backend import NamedTool, tells_logprobs
from tools.errors import RegistrationError
from tools.schema import compile_schema

_SSE: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class ChatCompletions:
    """The endpoint, as an ASGI application."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an error before the answer has begun is an HTTP error."""
        services: Services = scope["app"].state.services
        headers: Headers = []
        try:
            require_json(scope)
            body = await read_body(scope, receive, services.max_body_bytes)
            chat = parse_chat(parse_object(body))
            run = _prepare(chat, services, principal_of(scope))
            headers.append(_run_header(run))
            serve = _stream if chat.stream else _whole
            await serve(chat, run, services, receive, send)
        except ClientGone:
            return
        except Stopped as stopped:
            if stopped.cause != "disconnected":
                await send_error(send, answer(stopped), headers)
        except RegistrationError as error:
            await send_error(send, answer(_at_its_place(error)), headers)
        except Exception as error:  # noqa: BLE001 - the boundary: `answer` logs the unknown
            await send_error(send, answer(error), headers)


def _prepare(chat: ChatRequest, services: Services, caller: Principal) -> RunRequest:
    if chat.model != "gateway" and chat.model not in services.models:
        known = ", ".join(("gateway", *services.models))
        problem = f"no model {chat.model[:64]!r} here; there are {known}"
        raise ApiError(404, problem, param="model", code="model_not_found")
    transcript = from_chat(chat.messages)
    messages = services.continuations.restore(caller.tenant, transcript.messages)
    run = run_request(
        chat,
        messages,
        operator=services.limits,
        context=services.context,
        caller=caller,
        priorities=services.priorities,
    )
    require_image_reader(run, transcript.images, services.models)
    _require_choice(run, services)
    _require_logprobs(run, services)
    if run.output_schema is not None:
        compile_schema(run.output_schema, "response_format.json_schema.schema")
    return run


def _require_choice(run: RunRequest, services: Services) -> None:
    """A forced choice has to have something to choose."""
    choice = run.tool_choice
    if choice in ("auto", "none"):
        return
    names = {spec.name for spec in run.client_tools}
    offered = services.registry.offered(run.offered_globs, run.run_id)
    names.update(spec.name for spec in offered.specs)
    if isinstance(choice, NamedTool) and choice.name not in names:
        problem = f"no tool {choice.name[:64]!r} is offered in this request"
        raise ApiError(400, problem, param="tool_choice.function.name", code="unknown_tool")
    if not names:
        problem = "tool_choice is 'required', but no tool is offered in this request"
        raise ApiError(400, problem, param="tool_choice", code="no_tools")


def _require_logprobs(run: RunRequest, services: Services) -> None:
    """Log-probabilities have to come from a model whose engine can tell them."""
    if not run.logprobs:
        return
    backend = services.models["intermediary" if run.role == "gateway" else run.role]
    if not tells_logprobs(backend):
        problem = f"the engine of {backend.model} does not tell log-probabilities"
        raise ApiError(400, problem, param="logprobs", code="unsupported")


def _at_its_place(error: RegistrationError) -> ApiError:
    """The registry knows a client's tool as `tools[0]`; in the request its parts are deeper."""
    param = error.where
    if param.startswith("tools["):
        param = param.replace("].", "].function.", 1)
    return ApiError(400, error.why, param=param, code="invalid_tool")


def _ending(log: RunLog, outcome: Outcome) -> Ending:
    """What the answer of a run that came to `outcome` is made of besides: its log has all that happened."""
    run, told = log.request, None
    if run.logprobs:
        turns = [event for event in log.events if isinstance(event, TurnFinished)]
        told = of_answer(turns, outcome.text, run.top_logprobs)
    calls = [event for event in log.events if isinstance(event, CallAccepted)]
    return Ending(outcome, len(calls), told)


async def _whole(
    chat: ChatRequest, run: RunRequest, services: Services, receive: Receive, send: Send
) -> None:
    log = services.store.begin(run)
    outcome = await drive(services, log, receive)
    settle(services, run, outcome)
    body = ChatAnswer(run, chat.model, log.created_at).whole(_ending(log, outcome))
    await send_bytes(send, 200, encode(body), [JSON, _run_header(run)])


async def _stream(
    chat: ChatRequest, run: RunRequest, services: Services, receive: Receive, send: Send
) -> None:
    log = services.store.begin(run)
    stream = _Stream(send, chat, log)
    try:
        outcome = await drive(services, log, receive, stream.hear)
    except Stopped as stopped:
        if stopped.cause == "disconnected" or not stream.started:
            raise
        await stream.fail(stopped)
        return
    except Exception as error:
        if not stream.started:
            raise
        await stream.fail(error)
        return
    settle(services, run, outcome)
    await stream.finish(_ending(log, outcome))


class _Stream:
    """The server-sent events of one answer, which leave as the run's events are heard."""

    def __init__(self, send: Send, chat: ChatRequest, log: RunLog) -> None:
        self._send = send
        self._run = log.request
        self._include_usage = chat.include_usage
        self._answer = ChatAnswer(
            log.request, chat.model, log.created_at, nulls_usage=chat.include_usage
        )
        self.started = False
        """Whether bytes have left, so that an error can't be an HTTP status any more."""

    async def hear(self, event: RunEvent) -> None:
        """Tell what the client is to know of an event."""
        if isinstance(event, TextDelta):
            text = self._answer.text_chunk(event.text)
            await (self._write(text) if self.started else self._open(text))
        elif isinstance(event, TurnFinished) and not self.started:
            await self._open()

    async def finish(self, ending: Ending) -> None:
        """Tell how it ended."""
        if not self.started:
            await self._open()
        chunks = self._answer.last_chunks(ending, include_usage=self._include_usage)
        await self._write(chunks + b"data: [DONE]\n\n", more=False)

    async def fail(self, error: Exception) -> None:
        """Tell of an error in mid-stream, in OpenAI's shape, and end."""
        await self._write(b"data: " + answer(error).body() + b"\n\n", more=False)

    async def _open(self, first: bytes = b"") -> None:
        self.started = True
        headers = [*_SSE, _run_header(self._run)]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._write(self._answer.role_chunk() + first)

    def _write(self, data: bytes, *, more: bool = True) -> Awaitable[None]:
        return self._send({"type": "http.response.body", "body": data, "more_body": more})


def _run_header(run: RunRequest) -> tuple[bytes, bytes]:
    return b"x-gateway-run-id", run.run_id.encode()
