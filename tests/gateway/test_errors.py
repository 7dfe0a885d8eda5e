"""Every failure has its answer in one shape; whatever a client sends, it is never a 500."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.agent.loop import RequestDenied
from gateway.api.errors import ApiError, answer
from gateway.app import create_app
from gateway.live import Stopped
from gateway.transcript import TranscriptError
from routing.errors import (
    BackendError,
    BackendOverloaded,
    BackendProtocolError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContextTooLong,
)
from tools.errors import NameTaken, RegistrationError, UnknownTool

TABLE: list[tuple[Exception, int, str, str | None, str | None]] = [
    (ApiError(418, "teapot", param="p", code="c"), 418, "invalid_request_error", "p", "c"),
    (
        TranscriptError(1, "no", "messages[1]"),
        400,
        "invalid_request_error",
        "messages[1]",
        "invalid_message",
    ),
    (RequestDenied("no", "rule"), 403, "permission_error", None, "rule"),
    (RegistrationError("$.name", "no"), 400, "invalid_request_error", "$.name", "invalid_tool"),
    (NameTaken("$.name", "no"), 400, "invalid_request_error", "$.name", "name_taken"),
    (UnknownTool("no"), 404, "invalid_request_error", None, "tool_not_found"),
    (Stopped("cancelled"), 409, "run_cancelled", None, "run_cancelled"),
    (ContextTooLong("no"), 400, "invalid_request_error", "messages", "context_length_exceeded"),
    (BackendRejected("no"), 400, "invalid_request_error", None, "rejected_by_model"),
    (BackendRejected("no", status=401), 502, "server_error", None, "model_misconfigured"),
    (BackendOverloaded("no"), 429, "rate_limit_error", None, "model_overloaded"),
    (BackendUnavailable("no"), 503, "server_error", None, "model_unavailable"),
    (BackendTimeout("no"), 504, "server_error", None, "model_timeout"),
    (BackendProtocolError("no"), 502, "server_error", None, "model_protocol_error"),
    (BackendError("no"), 502, "server_error", None, "model_error"),
]


@pytest.mark.parametrize(
    ("error", "status", "kind", "param", "code"),
    TABLE,
    ids=[type(row[0]).__name__ for row in TABLE],
)
def test_every_known_failure_has_its_answer(
    error: Exception, status: int, kind: str, param: str | None, code: str | None
) -> None:
    told = answer(error)
    assert (told.status, told.kind, told.param, told.code) == (status, kind, param, code)
    assert set(json.loads(told.body())["error"]) == {"message", "type", "param", "code"}


def test_an_overloaded_model_says_when_to_come_back() -> None:
    assert answer(BackendOverloaded("full", retry_after_s=6.2)).retry_after_s == 7
    assert answer(BackendUnavailable("gone")).retry_after_s == 1
    assert answer(BackendTimeout("slow")).retry_after_s is None


def test_the_unexpected_is_logged_with_the_id_that_the_client_gets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, "gateway.api"):
        told = answer(KeyError("password=hunter2"))
    assert told.status == 500
    assert "hunter2" not in told.body().decode()
    [record] = caplog.records
    assert record.getMessage().split()[-1] in told.message
    assert record.exc_info is not None


# over HTTP


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gateway", verify=False
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("PUT", "/v1/tools", 405, "method_not_allowed"),
        ("GET", "/v1/models/gpt-4", 404, "model_not_found"),
        ("GET", "/v1/tools/nothing", 404, "tool_not_found"),
        ("DELETE", "/v1/tools/nothing", 404, "tool_not_found"),
        ("POST", "/v1/tools/nothing/invoke", 404, "tool_not_found"),
        ("GET", "/v1/runs/nothing", 404, "run_not_found"),
        ("GET", "/v1/runs/nothing/events", 404, "run_not_found"),
        ("POST", "/v1/runs/nothing/cancel", 404, "run_not_found"),
        ("GET", "/v1/runs?limit=0", 400, "invalid_value"),
        ("GET", "/v1/runs?limit=x", 400, "invalid_value"),
        ("POST", "/v1/chat/completions", 415, "not_json"),
    ],
)
async def test_what_is_not_there_is_told_in_the_same_shape(
    serve: Any, method: str, path: str, status: int, code: str
) -> None:
    gateway = await serve([])
    response = await gateway.http.request(method, path)
    assert response.status_code == status
    assert response.json()["error"]["code"] == code


BODIES: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("no JSON", b"{"),
    ("a list", b"[]"),
    ("a NaN", b'{"temperature": NaN}'),
    ("an infinite number", b'{"temperature": 1e999}'),
    ("a lone surrogate", rb'{"model": "\ud800"}'),
    ("no UTF-8", b'{"model": "\xff"}'),
    ("deep lists", b'{"messages": ' + b"[" * 100_000),
    ("deep objects", b'{"messages": ' + b'{"a":' * 100_000),
    ("deep and closed", b'{"messages": ' + b"[" * 900 + b"]" * 900 + b"}"),
    ("a huge integer", b'{"seed": ' + b"9" * 5000 + b"}"),
    ("duplicate keys", b'{"model": "a", "model": 5}'),
    ("a byte order mark", b'\xef\xbb\xbf{"model": 1}'),
    (
        "a deep schema",
        b'{"model": "gateway", "messages": [{"role": "user", "content": ""}], "tools": [{"type": '
        b'"function", "function": {"name": "x", "parameters": '
        + b'{"items":' * 900
        + b"{}"
        + b"}" * 900
        + b"}}]}",
    ),
]


@pytest.mark.parametrize("body", [b for _, b in BODIES], ids=[i for i, _ in BODIES])
async def test_a_hostile_body_is_a_bad_request(serve: Any, body: bytes) -> None:
    gateway = await serve([])
    response = await gateway.http.post(
        "/v1/chat/completions", content=body, headers={"content-type": "application/json"}
    )
    assert response.status_code == 400, response.text
    assert response.json()["error"]["message"]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_refused_before_it_is_read(
    serve: Any, declared: bool
) -> None:
    gateway = await serve([], max_body_bytes=1000)
    content = b"x" * 100_000

    async def pieces() -> Any:
        for start in range(0, len(content), 1000):
            yield content[start : start + 1000]

    for path in ("/v1/chat/completions", "/v1/tools/add/invoke"):
        response = await gateway.http.post(
            path,
            content=content if declared else pieces(),
            headers={"content-type": "application/json"},
        )
        assert response.status_code == 413
        assert response.json()["error"]["code"] == "body_too_large"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_that_a_web_page_could_send_unasked_is_refused(serve: Any, kind: str) -> None:
    gateway = await serve([])
    for path in ("/v1/chat/completions", "/v1/tools/add/invoke"):
        response = await gateway.http.post(
            path, content=b'{"arguments": {"a": 1, "b": 2}}', headers={"content-type": kind}
        )
        assert response.status_code == 415
    assert gateway.tools.log == []


async def test_every_answer_has_the_security_headers_and_none_for_other_origins(serve: Any) -> None:
    gateway = await serve(["Hi.", "Hi."])
    responses = [
        await gateway.chat(),
        await gateway.chat(stream=True),
        await gateway.http.get("/healthz", headers={"origin": "https://evil.example"}),
        await gateway.http.get("/nothing"),
    ]
    for response in responses:
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert "access-control-allow-origin" not in response.headers


class Broken:
    """A store that fails in a way that nobody foresaw."""

    def begin(self, request: Any) -> Any:
        raise KeyError("password=hunter2")

    async def recent(self, tenant: str, limit: int) -> Any:
        raise KeyError("password=hunter2")

    async def aclose(self) -> None:
        return None


async def test_an_unforeseen_failure_tells_an_id_and_nothing_else(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await serve([], store=Broken())
    for response in (await gateway.chat(), await gateway.http.get("/v1/runs")):
        assert response.status_code == 500
        assert "hunter2" not in response.text
        assert "Traceback" not in response.text
        incident = response.headers["x-request-id"]
        assert incident in response.json()["error"]["message"]
        assert incident in caplog.text


# fuzz

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
function_tool = st.fixed_dictionaries(
    {
        "type": st.just("function"),
        "function": st.fixed_dictionaries(
            {"name": st.sampled_from(["a", "b", "look_up"])},
            optional={
                "description": st.text(max_size=5),
                "parameters": st.just({"type": "object"}) | json_values,
            },
        ),
    }
)
RIGHT: dict[str, st.SearchStrategy[Any]] = {
    "model": st.sampled_from(["gateway", "intermediary", "expert"]),
    "messages": st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["user", "system"]), "content": st.text(max_size=5)}
        ),
        min_size=1,
        max_size=3,
    ),
    "stream": st.booleans(),
    "tools": st.lists(function_tool, max_size=2),
    "tool_choice": st.sampled_from(["auto", "none", "required"]),
    "temperature": st.floats(0, 2),
    "max_tokens": st.integers(1, 100),
    "stop": st.text(max_size=3) | st.lists(st.text(max_size=3), max_size=4),
    "seed": st.integers(-(2**63), 2**63 - 1),
    "response_format": st.sampled_from([{"type": "text"}, {"type": "json_object"}])
    | st.fixed_dictionaries(
        {
            "type": st.just("json_schema"),
            "json_schema": st.fixed_dictionaries({"name": st.just("x"), "schema": json_values}),
        }
    ),
    "gateway": st.fixed_dictionaries(
        {},
        optional={
            "tools": st.lists(st.text(max_size=4), max_size=2),
            "max_steps": st.integers(1, 20),
            "deadline_ms": st.integers(1, 10**9),
            "max_cost_usd": st.floats(0, 10),
            "escalation": st.sampled_from(["auto", "never", "always"]),
        },
    ),
}


@st.composite
def nearly_right(draw: st.DrawFn) -> Any:
    """A request that is right but for one field at most."""
    names = [*list(RIGHT)[:2], *draw(st.sets(st.sampled_from(list(RIGHT)[2:])))]
    body = {name: draw(RIGHT[name]) for name in names}
    if draw(st.booleans()):
        body[draw(st.sampled_from(names) | st.text(max_size=4))] = draw(json_values)
    return body


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=nearly_right() | json_values)
def test_whatever_the_body_says_the_answer_is_no_server_error(scripted: Any, body: Any) -> None:
    async def post() -> httpx.Response:
        app = create_app(scripted())
        async with app.router.lifespan_context(app), client(app) as http:
            content = json.dumps(body).encode()
            headers = {"content-type": "application/json"}
            return await http.post("/v1/chat/completions", content=content, headers=headers)

    response = asyncio.run(post())
    assert response.status_code in (200, 400, 404), response.text
    assert len(response.text) < 5000
    if response.status_code != 200:
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.binary(max_size=60))
def test_whatever_the_bytes_are_the_answer_is_no_server_error(scripted: Any, body: bytes) -> None:
    async def post(path: str) -> httpx.Response:
        app = create_app(scripted())
        async with app.router.lifespan_context(app), client(app) as http:
            headers = {"content-type": "application/json"}
            return await http.post(path, content=body, headers=headers)

    for path in ("/v1/chat/completions", "/v1/tools/add/invoke", "/v1/tools"):
        assert asyncio.run(post(path)).status_code in (400, 404, 405, 422)


async def test_an_error_never_repeats_a_long_name(serve: Any) -> None:
    gateway = await serve([])
    response = await gateway.chat(**{"x" * 100_000: 1})
    assert response.status_code == 400
    assert len(response.content) < 1000
