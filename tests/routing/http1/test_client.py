"""Requests over real sockets: what is sent, which connections are used, who is told what when one fails."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from routing.http1 import HttpClient, HungUp, NoConnection
from routing.http1.origin import Origin
from tests.routing.http1.wire import asked, playing

HI = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


async def greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await asked(reader)
        writer.write(HI)


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


@asynccontextmanager
async def client_of(url: str, **options: Any) -> AsyncGenerator[HttpClient]:
    client = HttpClient(Origin.of(url), **options)
    try:
        yield client
    finally:
        await client.aclose()


async def heard(client: HttpClient, body: bytes = b"") -> bytes:
    answer = await client.post("/", body, soon())
    try:
        return await answer.read_all(10**9, soon())
    finally:
        answer.release()


async def test_a_request_has_all_its_headers_and_its_body_byte_for_byte() -> None:
    seen: list[bytes] = []

    async def remember(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append(await asked(reader))
            writer.write(HI)

    large = bytes(range(256)) * 4_000
    async with (
        playing(remember) as server,
        client_of(f"http://127.0.0.1:{server.port}", headers={"X-Key": "k"}) as client,
    ):
        for body in (b"", b"{}", large):
            answer = await client.post("/v1/x", body, soon(), {"traceparent": "00-a"})
            answer.release()
        (await client.get("/health?a=b", soon())).release()
    head = (
        f"POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUser-Agent: agentic-gateway\r\n"
        "X-Key: k\r\ntraceparent: 00-a\r\nContent-Length: "
    ).encode()
    assert seen[:3] == [head + b"%d\r\n\r\n" % len(b) + b for b in (b"", b"{}", large)]
    assert seen[3].startswith(b"GET /health?a=b HTTP/1.1\r\nHost: ")
    assert b"ontent-" not in seen[3]


@pytest.mark.parametrize(
    ("name", "value"),
    [("x", "a\r\nevil: 1"), ("x", "a\nb"), ("x", "a\0"), ("x", "漢"), ("x y", "a"), ("x:", "a")],
)
async def test_a_header_that_would_become_two_is_not_sent(name: str, value: str) -> None:
    async with playing(greets) as server, client_of(f"http://127.0.0.1:{server.port}") as client:
        with pytest.raises(ValueError, match="can't be sent"):
            await client.post("/", b"", soon(), {name: value})
        assert server.accepted == 0
    with pytest.raises(ValueError, match="can't be sent"):
        HttpClient(Origin.of("http://x"), {name: value})


async def test_a_connection_is_used_again_and_as_many_as_are_needed_at_once() -> None:
    async with playing(greets) as server, client_of(f"http://127.0.0.1:{server.port}") as client:
        for _ in range(3):
            assert await heard(client) == b"hi"
        assert server.accepted == 1
        assert await asyncio.gather(*(heard(client) for _ in range(4))) == [b"hi"] * 4
        assert server.accepted == 4


async def test_no_more_connections_wait_than_are_to_be_kept() -> None:
    async with (
        playing(greets) as server,
        client_of(f"http://127.0.0.1:{server.port}", kept=0) as client,
    ):
        await heard(client)
        await asyncio.wait_for(server.ended.acquire(), 5)
        await heard(client)
        assert server.accepted == 2


async def test_a_connection_that_is_not_used_for_long_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("routing.http1.client._KEPT_S", 0.02)
    async with playing(greets) as server, client_of(f"http://127.0.0.1:{server.port}") as client:
        await heard(client)
        await asyncio.wait_for(server.ended.acquire(), 5)
        assert await heard(client) == b"hi"
        assert server.accepted == 2


async def test_a_kept_connection_that_the_engine_closed_is_not_used() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        writer.write(HI)

    async with playing(once) as server, client_of(f"http://127.0.0.1:{server.port}") as client:
        for number in range(3):
            assert await heard(client) == b"hi"
            await asyncio.wait_for(server.ended.acquire(), 5)
            await asyncio.sleep(0.05)  # in which its end arrives
            assert server.accepted == number + 1


async def test_an_engine_that_hangs_up_instead_of_answering_is_told_from_one_that_is_not_there() -> (
    None
):
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asked(reader)

    async with playing(silent) as server, client_of(f"http://127.0.0.1:{server.port}") as client:
        with pytest.raises(HungUp):
            await heard(client)
    async with client_of(f"http://127.0.0.1:{server.port}") as client:
        with pytest.raises(NoConnection, match=r"(?i)refused|connect"):
            await heard(client)


async def test_an_early_refusal_of_a_large_body_is_heard_and_the_connection_given_up() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await writer.drain()
        await reader.read()  # until the client is gone

    async with playing(refuse) as server, client_of(f"http://127.0.0.1:{server.port}") as client:
        answer = await client.post("/", b"x" * 8_000_000, soon())
        assert (answer.status, await answer.read_all(10, soon())) == (413, b"no")
        answer.release()
        await asyncio.wait_for(server.ended.acquire(), 5)


async def test_a_name_of_several_addresses_is_reached_at_the_one_that_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with playing(greets) as server:
        known = asyncio.get_running_loop().getaddrinfo

        async def found(host: str, port: int, **asked: Any) -> list[Any]:
            if host != "engine.example":  # uvloop looks addresses up, too
                return await known(host, port, **asked)
            kind = (socket.SOCK_STREAM, 6, "")
            return [
                (socket.AF_INET6, *kind, ("::1", server.port, 0, 0)),
                (socket.AF_INET, *kind, ("127.0.0.1", server.port)),
            ]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
        async with client_of(f"http://engine.example:{server.port}") as client:
            assert await heard(client) == b"hi"


@pytest.mark.parametrize(
    ("connect_s", "until_s", "error"), [(0.02, 5.0, NoConnection), (5.0, 0.02, TimeoutError)]
)
async def test_a_place_that_does_not_answer_is_no_connection_and_a_deadline_is_a_deadline(
    connect_s: float, until_s: float, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
    async with client_of("http://127.0.0.1:9", connect_s=connect_s) as client:
        with pytest.raises(error):
            await client.post("/", b"", soon(until_s))


async def test_a_client_that_is_closed_leaves_no_connection_open() -> None:
    async def forever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    async with playing(forever) as server:
        client = HttpClient(Origin.of(f"http://127.0.0.1:{server.port}"))
        await client.post("/", b"", soon())
        await client.aclose()
        await asyncio.wait_for(server.ended.acquire(), 5)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "engine")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = tmp_path_factory.mktemp("tls") / "engine.pem"
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        key.private_bytes(pem, form, serialization.NoEncryption()) + made.public_bytes(pem)
    )
    return path


@pytest.mark.parametrize("trusted", [True, False])
async def test_over_tls_only_a_trusted_engine_is_asked(
    certificate: Path, trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    url = "https://127.0.0.1"
    async with playing(greets, tls) as server, client_of(f"{url}:{server.port}") as client:
        if trusted:
            assert [await heard(client), await heard(client)] == [b"hi", b"hi"]
            assert server.accepted == 1
        else:
            with pytest.raises(NoConnection, match=r"(?i)certificate"):
                await heard(client)
