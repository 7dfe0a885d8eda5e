"""Request forgery: every spelling of an address inside, and every way there, is refused.

At the latest when the socket is about to be connected: nothing arrives at the server on loopback.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from ipaddress import IPv4Address
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inside import Inside, open_inside
from tools.errors import ToolFailed, ToolUnavailable
from tools.executor import CallContext
from tools.executors.addresses import (
    RefusedAddress,
    guarded_socket,
    is_public,
    refusal,
)
from tools.executors.guarded_resolver import GuardedResolver
from tools.executors.http import HttpExecutor
from tools.executors.http_session import HttpSessions, Request, Response
from tools.executors.http_template import EndpointTemplate
from tools.spec import Annotations, ToolSpec, ValidCall

METADATA = ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"]


@pytest.fixture
async def inside() -> AsyncGenerator[Inside]:
    async with open_inside() as stub:
        yield stub


class Names(AbstractResolver):
    """A name server that gives each list of answers once, and the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=each,
                port=port,
                family=socket.AF_INET6 if ":" in each else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for each in found
        ]

    async def close(self) -> None:
        pass


async def get(sessions: HttpSessions, url: str) -> Response:
    try:
        return await sessions.exchange(Request("GET", url, {}, None, 5.0, allow_private=False))
    finally:
        await sessions.aclose()


LOOPBACK = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0x0.0x0.0x1", "0X7F.1", "017700000001",
    "0177.0.0.1", "0177.0.0.01", "127.0.0.1.", "127.0.0.1..", "localhost", "LOCALHOST", "localhost.",
    "a.localhost", "0", "0.0.0.0", "00000000000", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::127.0.0.1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[2001:db8::5efe:127.0.0.1]",
    "[2606:4700::5efe:7f00:1]", "[fe80::1%25lo]", "[::1%25lo]", "①②⑦.0.0.1", "１２７.0.0.1", "127。0。0。1",
    "127.0.0.1%00.example.com", "127.0.0.1%2f",
]  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK)
async def test_a_literal_in_any_spelling_reaches_nothing_inside(inside: Inside, host: str) -> None:
    with pytest.raises((ToolFailed, ToolUnavailable)):
        await get(HttpSessions(), f"http://{host}:{inside.port}/")
    assert inside.visits == []


@pytest.mark.parametrize("address", METADATA)
def test_the_metadata_services_of_clouds_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "netloc",
    [
        "example.com@127.0.0.1",
        "example.com:80@127.0.0.1",
        "example.com%40@127.0.0.1",
        "user:pass@example.com",
    ],
)
async def test_credentials_before_the_host_disguise_nothing(inside: Inside, netloc: str) -> None:
    with pytest.raises((ToolFailed, ToolUnavailable)):
        await get(HttpSessions(Names(["93.184.216.34"])), f"http://{netloc}:{inside.port}/")
    assert inside.visits == []


@pytest.mark.parametrize(
    "answers",
    [
        [["127.0.0.1"]],
        [["93.184.216.34", "127.0.0.1"]],
        [["::ffff:127.0.0.1"]],
        [["64:ff9b::7f00:1"]],
        [["2002:7f00:1::"]],
        [["169.254.169.254"]],
        [["10.0.0.1"], ["127.0.0.1"]],
    ],
)
async def test_a_name_that_leads_inside_is_refused_as_resolved(
    inside: Inside, answers: list[list[str]]
) -> None:
    with pytest.raises(ToolFailed, match="private address"):
        await get(HttpSessions(Names(*answers)), f"http://rebind.example:{inside.port}/")
    assert inside.visits == []


async def test_a_name_is_looked_up_once_for_each_connection_so_rebinding_gains_nothing() -> None:
    names = Names(["93.184.216.34"], ["127.0.0.1"])
    guarded = GuardedResolver(names)
    assert [each["host"] for each in await guarded.resolve("rebind.example")] == ["93.184.216.34"]
    with pytest.raises(RefusedAddress):
        await guarded.resolve("rebind.example")


async def test_the_socket_itself_refuses_when_everything_before_it_was_passed(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.executors.http_session.refusal", lambda _: None)
    monkeypatch.setattr(
        "tools.executors.guarded_resolver.GuardedResolver.resolve", Names(["127.0.0.1"]).resolve
    )
    for host in ("127.0.0.1", "[::ffff:127.0.0.1]", "rebind.example"):
        with pytest.raises((ToolFailed, ToolUnavailable)):
            await get(HttpSessions(), f"http://{host}:{inside.port}/")
    assert inside.visits == []


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "name.example", "::1", ""])
def test_a_socket_is_made_for_public_addresses_only(host: str) -> None:
    with pytest.raises(RefusedAddress):
        guarded_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, 80)))


def test_a_socket_is_made_for_a_public_address() -> None:
    made = guarded_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("93.184.216.34", 80)))
    with made:
        assert not made.getblocking()


REDIRECTS = [
    "http://127.0.0.1:{port}/", "//127.0.0.1:{port}/", "http://2130706433:{port}/", "http://0x7f.1:{port}/",
    "http://[::ffff:7f00:1]:{port}/", "http://example.com@127.0.0.1:{port}/", "http://localhost:{port}/",
    "http:\\\\127.0.0.1:{port}/", "file:///etc/passwd", "gopher://127.0.0.1:{port}/_", "ftp://127.0.0.1/",
    "javascript:alert(1)", "http://", "http://[::1", "\thttp://127.0.0.1:{port}/",
]  # fmt: skip


@pytest.mark.parametrize("target", REDIRECTS)
async def test_a_redirect_leads_nowhere_that_a_first_request_may_not_go(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    sessions = HttpSessions(Names(["127.0.0.1"]))
    real = sessions.exchange
    asked: list[str] = []

    async def first_redirects(request: Request) -> Response:
        asked.append(request.url)
        if len(asked) == 1:
            there = {"Location": target.format(port=inside.port)}
            return Response(302, there, b"", cut=False, charset="utf-8")
        return await real(request)

    monkeypatch.setattr(sessions, "exchange", first_redirects)
    spec = ToolSpec("probe", "", {"type": "object"}, annotations=Annotations(read_only=True))
    executor = HttpExecutor(EndpointTemplate("GET", "http://out.example/"), sessions)
    with pytest.raises((ToolFailed, ToolUnavailable)):
        await executor.execute(ValidCall("abcdefghi", spec, {}), CallContext())
    await sessions.aclose()
    assert inside.visits == []


PRIVATE = st.ip_addresses(v=4).filter(lambda each: not is_public(str(each)))
SPELLINGS = [
    lambda each: str(int(each)),
    lambda each: hex(int(each)),
    lambda each: f"0{int(each):o}",
    lambda each: ".".join(hex(byte) for byte in each.packed),
    lambda each: ".".join(f"0{byte:o}" for byte in each.packed),
    lambda each: f"{each}.",
    lambda each: f"[::ffff:{each}]",
    lambda each: f"[64:ff9b::{each}]",
    lambda each: f"[2002:{int(each) >> 16:x}:{int(each) & 0xFFFF:x}::1]",
]


@given(PRIVATE, st.sampled_from(SPELLINGS))
@settings(max_examples=200, deadline=None)
def test_any_private_address_is_refused_in_any_spelling(address: IPv4Address, spell: Any) -> None:
    assert refusal(spell(address)) is not None


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_host_is_judged_without_a_crash(host: str) -> None:
    why = refusal(host)
    assert why is None or why


def test_ordinary_names_and_addresses_are_not_refused() -> None:
    for host in ("example.com", "xn--bcher-kva.example", "bücher.example", "8.8.8.8", "[2606:4700::1111]", "1e100.net", "0x.example"):  # fmt: skip
        assert refusal(host) is None
