"""HTTP tools against a real local server, and the guard against request forgery."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from tools.errors import RegistrationError, ToolFailed, ToolTimeout, ToolUnavailable
from tools.executor import CallContext
from tools.executors.addresses import is_public
from tools.executors.http import HttpExecutor, environment_secrets
from tools.executors.http_session import HttpSessions
from tools.executors.http_template import EndpointTemplate
from tools.spec import Annotations, ToolSpec, ValidCall


class Names(AbstractResolver):
    """A name server whose answers are listed; the last one stays."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = {name.replace("_", "."): list(found) for name, found in answers.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        found = self.answers[host]
        address = found.pop(0) if len(found) > 1 else found[0]
        result = ResolveResult(
            hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0
        )
        return [result]

    async def close(self) -> None:
        pass


class Server:
    """A real server on loopback that remembers what it was sent and answers as told."""

    def __init__(self) -> None:
        self.seen: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.answer: Callable[[web.Request], Any] = lambda _: web.json_response({"ok": True})
        self.origin = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.read())
        answer = self.answer(request)
        return await answer if asyncio.iscoroutine(answer) else answer


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    stub = Server()
    application = web.Application(client_max_size=8 * 1024 * 1024)
    application.router.add_route("*", "/{tail:(?s:.*)}", stub.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    stub.origin = f"http://127.0.0.1:{port}"
    yield stub
    await runner.cleanup()


@pytest.fixture
async def sessions() -> AsyncIterator[HttpSessions]:
    opened = HttpSessions()
    yield opened
    await opened.aclose()


@dataclass
class Endpoint:
    """What an author registers."""

    method: Any
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    timeout_s: float = 30.0
    allow_private: bool = False

    def executor(self, sessions: HttpSessions) -> HttpExecutor:
        template = EndpointTemplate(self.method, self.url, self.headers)
        return HttpExecutor(
            template,
            sessions,
            SECRETS.get,
            timeout_s=self.timeout_s,
            allow_private=self.allow_private,
        )


READ = Annotations(read_only=True)
SECRETS = {"TOOL_KEY": "s3cr3t-value"}


async def ask(
    sessions: HttpSessions,
    config: Endpoint,
    arguments: dict[str, Any] | None = None,
    annotations: Annotations = READ,
    key: str = "run-1:call-1",
) -> str:
    executor = config.executor(sessions)
    spec = ToolSpec("probe", "A probe.", {"type": "object"}, annotations=annotations)
    answer = await executor.execute(
        ValidCall("abcdefghi", spec, arguments or {}), CallContext(idempotency_key=key)
    )
    return answer.value


def local(method: Any, url: str, **more: Any) -> Endpoint:
    return Endpoint(method, url, allow_private=True, **more)


async def test_arguments_go_into_the_path_and_the_query_of_a_get(
    server: Server, sessions: HttpSessions
) -> None:
    config = local("GET", server.origin + "/users/{id}?v={version}")
    arguments = {"id": 7, "version": "a&b=c", "tags": ["x", "ü"], "on": True, "none": None}
    assert await ask(sessions, config, arguments) == '{"ok": true}'
    assert server.seen[0].raw_path == "/users/7?v=a%26b%3Dc&tags=x&tags=%C3%BC&on=true"
    assert "Idempotency-Key" not in server.seen[0].headers


async def test_arguments_go_into_a_json_body_and_a_write_carries_its_key(
    server: Server, sessions: HttpSessions
) -> None:
    config = local("POST", server.origin + "/users/{id}")
    await ask(sessions, config, {"id": "a", "n": 1, "deep": {"x": [None]}}, Annotations())
    assert json.loads(server.bodies[0]) == {"n": 1, "deep": {"x": [None]}}
    assert server.seen[0].headers["Idempotency-Key"] == "run-1:call-1"
    assert server.seen[0].content_type == "application/json"


async def test_an_integer_of_any_size_goes_into_the_body(
    server: Server, sessions: HttpSessions
) -> None:
    await ask(sessions, local("POST", server.origin + "/"), {"n": 10**30}, Annotations())
    assert server.bodies[0] == b'{"n":1000000000000000000000000000000}'


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("../admin", "/users/..%2Fadmin/x"),
        ("a/../../b", "/users/a%2F..%2F..%2Fb/x"),
        ("?admin=1#x", "/users/%3Fadmin%3D1%23x/x"),
        ("@evil.example", "/users/%40evil.example/x"),
        ("%2e%2e", "/users/%252e%252e/x"),
        ("a\r\nHost: evil", "/users/a%0D%0AHost%3A%20evil/x"),
        ("北京", "/users/%E5%8C%97%E4%BA%AC/x"),
    ],
)
async def test_a_value_can_not_leave_its_path_segment(
    server: Server, sessions: HttpSessions, value: str, path: str
) -> None:
    await ask(sessions, local("GET", server.origin + "/users/{id}/x"), {"id": value})
    assert server.seen[0].raw_path == path


@pytest.mark.parametrize("value", [".", "..", "", None, {"a": 1}, ["a"]])
async def test_a_value_that_is_no_segment_is_refused_and_nothing_is_sent(
    server: Server, sessions: HttpSessions, value: Any
) -> None:
    with pytest.raises(ToolFailed):
        await ask(sessions, local("GET", server.origin + "/users/{id}/x"), {"id": value})
    assert server.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "//example.com/",
        "http://{host}/x",
        "http://example.com:{port}/",
        "http://user:pass@example.com/",
        "http://example.com/#part",
        "http://example.com/{not a name}",
        "http://example.com/${TOOL_KEY}",
        "http://example.com\\@evil/",
        "http://example.com:99999999/",
        "nonsense",
    ],
)
def test_a_url_that_can_not_be_right_is_refused_at_registration(url: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        EndpointTemplate("GET", url)
    assert caught.value.where == "$.executor.url"


@pytest.mark.parametrize("headers", [{"Host": "x"}, {"X Y": "x"}, {"X": "a\r\nB: c"}, {"X": "ü"}])
def test_a_header_that_a_tool_may_not_set_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(RegistrationError):
        EndpointTemplate("GET", "https://example.com/", headers)


PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "168.63.129.16", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1",
    "ff02::1", "::ffff:127.0.0.1", "::ffff:a00:1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1",
    "2002:7f00:1::", "::7f00:1", "fec0::1", "240.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_internal_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_ordinary_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]",
     "localhost", "127.0.0.1.", "①②⑦.⓪.⓪.①"],
)  # fmt: skip
async def test_a_private_host_is_refused_however_it_is_spelled(
    server: Server, sessions: HttpSessions, host: str
) -> None:
    port = server.origin.rpartition(":")[2]
    with pytest.raises((ToolFailed, ToolUnavailable, RegistrationError)):
        await ask(sessions, Endpoint("GET", f"http://{host}:{port}/"))
    assert server.seen == []


async def test_a_name_that_leads_to_a_private_address_is_refused_at_connect_time(
    server: Server,
) -> None:
    sessions = HttpSessions(Names(inside_example=["127.0.0.1"]))
    port = server.origin.rpartition(":")[2]
    with pytest.raises(ToolFailed, match="private address"):
        await ask(sessions, Endpoint("GET", f"http://inside.example:{port}/"))
    assert server.seen == []
    await sessions.aclose()


async def test_a_name_that_changes_its_answer_is_judged_by_each_answer(server: Server) -> None:
    names = Names(rebind_example=["10.0.0.1", "127.0.0.1"])
    sessions = HttpSessions(names)
    port = server.origin.rpartition(":")[2]
    for _ in range(2):
        with pytest.raises(ToolFailed, match="private address"):
            await ask(sessions, Endpoint("GET", f"http://rebind.example:{port}/"))
    assert (
        names.asked == ["rebind.example"] * 2
    )  # once a connection: what was judged is what is used
    assert server.seen == []
    await sessions.aclose()


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest", "http://inside.example/", "file:///etc/passwd",
                                    "http://u:p@out.example/", "//[::1]/", "gopher://x/"])  # fmt: skip
async def test_a_redirect_to_where_no_tool_may_go_is_refused(
    monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    from tools.executors.http_session import Response

    sessions = HttpSessions(Names(inside_example=["10.0.0.1"]))
    real = sessions.exchange
    urls: list[str] = []

    async def first_redirects(request: Any) -> Any:
        urls.append(request.url)
        if len(urls) == 1:
            return Response(302, {"Location": target}, b"", cut=False, charset="utf-8")
        return await real(request)

    monkeypatch.setattr(sessions, "exchange", first_redirects)
    with pytest.raises(ToolFailed):
        await ask(sessions, Endpoint("GET", "http://out.example/"))
    await sessions.aclose()


async def test_a_redirect_of_a_read_is_followed_three_times_and_no_more(
    server: Server, sessions: HttpSessions
) -> None:
    def hop(request: web.Request) -> web.Response:
        left = int(request.query.get("left", "0"))
        if left == 0:
            return web.Response(text="here")
        return web.Response(status=302, headers={"Location": f"/next?left={left - 1}"})

    server.answer = hop
    config = local("GET", server.origin + "/start")
    assert await ask(sessions, config, {"left": 3}) == "here"
    with pytest.raises(ToolFailed, match="redirected more than 3 times"):
        await ask(sessions, config, {"left": 4})


async def test_credentials_stay_with_their_origin(server: Server, sessions: HttpSessions) -> None:
    other = server.origin.replace("127.0.0.1", "localhost")
    server.answer = lambda request: (
        web.Response(text="there")
        if request.path == "/there"
        else web.Response(status=307, headers={"Location": f"{other}/there"})
    )
    config = local("GET", server.origin + "/", headers={"Authorization": "Bearer ${TOOL_KEY}"})
    assert await ask(sessions, config) == "there"
    assert server.seen[0].headers["Authorization"] == "Bearer s3cr3t-value"
    assert "Authorization" not in server.seen[1].headers


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_write_is_not_redirected_to_another_method(
    server: Server, sessions: HttpSessions, status: int
) -> None:
    server.answer = lambda _: web.Response(status=status, headers={"Location": "/elsewhere"})
    with pytest.raises(ToolFailed, match="not followed"):
        await ask(sessions, local("POST", server.origin + "/"), annotations=Annotations())
    assert len(server.seen) == 1


async def test_secrets_are_in_no_error_result_or_repr(
    server: Server, sessions: HttpSessions
) -> None:
    config = local("GET", server.origin + "/", headers={"X-Key": "${TOOL_KEY}"})
    server.answer = lambda r: web.Response(text=f"you sent {r.headers['X-Key']}")
    assert await ask(sessions, config) == "you sent ***"
    server.answer = lambda r: web.Response(status=403, text=f"bad key {r.headers['X-Key']}")
    with pytest.raises(ToolFailed, match=r"^HTTP 403: bad key \*\*\*$"):
        await ask(sessions, config)
    assert "s3cr3t" not in repr(config) + repr(config.executor(sessions))


async def test_a_missing_secret_is_named_and_nothing_is_sent(
    server: Server, sessions: HttpSessions
) -> None:
    with pytest.raises(ToolUnavailable, match="TOOL_OTHER is missing") as caught:
        await ask(sessions, local("GET", server.origin, headers={"X": "${TOOL_OTHER}"}))
    assert not caught.value.sent
    assert server.seen == []


def test_only_variables_meant_for_tools_are_given_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "the gateway's own")
    monkeypatch.setenv("TOOL_WEATHER_KEY", "the tool's")
    assert environment_secrets("MISTRAL_API_KEY") is None
    assert environment_secrets("TOOL_WEATHER_KEY") == "the tool's"


async def test_a_refusal_is_told_to_the_model_with_the_head_of_its_body(
    server: Server, sessions: HttpSessions
) -> None:
    server.answer = lambda _: web.Response(status=404, text="no such user; " + "x" * 5_000)
    with pytest.raises(ToolFailed) as caught:
        await ask(sessions, local("GET", server.origin))
    assert str(caught.value).startswith("HTTP 404: no such user; xxx")
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("status", "after", "sent", "wait"),
    [
        (500, None, True, None),
        (503, "12", True, 12.0),
        (429, "3", False, 3.0),
        (429, "soon", False, None),
    ],
)
async def test_a_failing_server_is_unavailable_and_says_when_to_come_back(  # noqa: PLR0917  # one for each column
    server: Server,
    sessions: HttpSessions,
    status: int,
    after: str | None,
    sent: bool,
    wait: float | None,
) -> None:
    headers = {} if after is None else {"Retry-After": after}
    server.answer = lambda _: web.Response(status=status, headers=headers)
    with pytest.raises(ToolUnavailable) as caught:
        await ask(sessions, local("GET", server.origin))
    assert (caught.value.sent, caught.value.retry_after_s) == (sent, wait)


async def test_no_connection_means_that_nothing_was_sent(sessions: HttpSessions) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(ToolUnavailable) as caught:
            await ask(sessions, local("POST", f"http://127.0.0.1:{held.getsockname()[1]}/"))
    assert not caught.value.sent


async def test_a_connection_broken_after_the_request_may_have_reached_the_tool(
    server: Server, sessions: HttpSessions
) -> None:
    def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    server.answer = hang_up
    with pytest.raises(ToolUnavailable) as caught:
        await ask(sessions, local("POST", server.origin), annotations=Annotations())
    assert caught.value.sent


async def test_20_an_endpoint_that_hangs_is_left_at_its_timeout(
    server: Server, sessions: HttpSessions
) -> None:
    left = asyncio.Event()

    async def hang() -> web.Response:
        await left.wait()
        return web.Response()

    server.answer = lambda _: hang()
    with pytest.raises(ToolTimeout):
        await ask(sessions, local("GET", server.origin, timeout_s=0.05))
    left.set()


async def test_20_a_body_without_end_is_read_to_one_mebibyte(
    server: Server, sessions: HttpSessions
) -> None:
    server.answer = lambda _: web.Response(text="x" * 4_000_000)
    text = await ask(sessions, local("GET", server.origin))
    assert len(text) < 1024 * 1024 + 100
    assert text.endswith("[cut: the answer is longer than 1 MiB]")


async def test_an_answer_that_is_no_text_is_described(
    server: Server, sessions: HttpSessions
) -> None:
    server.answer = lambda _: web.Response(body=b"\x89PNG" * 10, content_type="image/png")
    assert (
        await ask(sessions, local("GET", server.origin))
        == "[40 bytes of image/png, which is no text]"
    )
    server.answer = lambda _: web.Response(status=204)
    assert await ask(sessions, local("GET", server.origin)) == '{"status":204}'
