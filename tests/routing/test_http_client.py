"""The engines' HTTP client against a server that says exactly these bytes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from routing.backends.http_client import HttpClient, NotConnected
from routing.backends.http_connection import Connection, HttpFailure, HungUp

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"Content-Length: 5\r\n\r\nhello"


class Server:
    """Answers each request with the next of `answers`; an empty one hangs up, None says nothing."""

    def __init__(self, answers: Sequence[bytes | None]) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0
        self.left = asyncio.Event()
        self.hangs_up_after = False
        self.going = set[asyncio.Task[object]]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.going.add(task)
        task.add_done_callback(self.going.discard)
        try:
            while self.answers:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0)
                if answer is None:
                    await reader.read()
                    return
                writer.write(answer)
                if not answer or self.hangs_up_after:
                    return
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.left.set()
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


@asynccontextmanager
async def serving(
    *answers: bytes | None, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[tuple[Server, HttpClient]]:
    made = Server(answers)
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls) as listening:
        port = listening.sockets[0].getsockname()[1]
        scheme = "http" if tls is None else "https"
        client = HttpClient(f"{scheme}://127.0.0.1:{port}/v1", {"X-Own": "1"}, 5.0)
        try:
            yield made, client
        finally:
            await client.aclose()
            if made.going:
                await asyncio.wait(made.going, timeout=5)


async def asked(client: HttpClient, body: bytes = b"", idle_s: float = 5.0) -> Connection:
    return await client.send("POST", "/v1/x", body, {"X-More": "2"}, idle_s=idle_s)


async def read(client: HttpClient, body: bytes = b"") -> tuple[int, bytes]:
    response = await asked(client, body)
    parts: list[bytes] = []
    try:
        while chunk := await response.read():
            parts.append(chunk)
    finally:
        client.release(response)
    return response.status, b"".join(parts)


async def test_a_request_is_sent_as_it_is_said() -> None:
    async with serving(WHOLE) as (server, client):
        assert await read(client, b"{}") == (200, b"hello")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    first, *headers = head.split(b"\r\n")
    assert (first, body) == (b"POST /v1/x HTTP/1.1", b"{}")
    assert {b"X-Own: 1", b"X-More: 2", b"Content-Length: 2"} <= set(headers)
    assert headers[0].startswith(b"Host: 127.0.0.1:")


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        OK + b"transfer-encoding: CHUNKED\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + WHOLE,
    ],
)
async def test_answers_are_read_whatever_their_framing_and_the_connection_is_kept(
    answer: bytes,
) -> None:
    async with serving(answer, answer, WHOLE) as (server, client):
        for _ in range(3):
            assert await read(client) == (200, b"hello")
    assert server.connections == 1


async def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    async with serving(OK + b"\r\nhello", WHOLE) as (server, client):
        server.hangs_up_after = True
        assert await read(client) == (200, b"hello")
        assert await read(client) == (200, b"hello")
    assert server.connections == 2


async def test_a_connection_that_the_server_will_close_is_not_used_again() -> None:
    closing = OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello"
    async with serving(closing, WHOLE) as (server, client):
        for _ in range(2):
            assert await read(client) == (200, b"hello")
    assert server.connections == 2


async def test_an_answer_that_is_not_read_to_its_end_closes_its_connection() -> None:
    async with serving(OK + b"Content-Length: 50\r\n\r\nhello") as (server, client):
        response = await asked(client)
        assert await response.read() == b"hello"
        client.release(response)
        await asyncio.wait_for(server.left.wait(), 5)


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 50\r\n\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
async def test_what_came_before_a_cut_is_given_before_it_is_told(answer: bytes) -> None:
    async with serving(answer) as (server, client):
        server.hangs_up_after = True
        response = await asked(client)
        assert await response.read() == b"hello"
        with pytest.raises(HttpFailure, match="middle") as cut:
            await response.read()
        assert not isinstance(cut.value, HungUp)
        client.release(response)


async def test_a_server_that_hangs_up_without_a_word_is_told_apart() -> None:
    async with serving(b"") as (_, client):
        with pytest.raises(HungUp):
            await asked(client)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n",
        OK + b"Content-Length: x\r\n\r\n",
        OK + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(100)) + b"\r\n",
    ],
)
async def test_what_is_no_http_is_a_failure(answer: bytes) -> None:
    async with serving(answer) as (_, client):
        with pytest.raises(HttpFailure, match="no HTTP"):
            await asked(client)


async def test_bytes_that_nobody_asked_for_end_a_kept_connection() -> None:
    async with serving(WHOLE + WHOLE, WHOLE) as (server, client):
        for _ in range(2):
            assert await read(client) == (200, b"hello")
    assert server.connections == 2


@pytest.mark.parametrize("answer", [None, OK + b"Content-Length: 50\r\n\r\nhello"])
async def test_a_wait_for_bytes_is_bounded_and_the_server_is_told(answer: bytes | None) -> None:
    async with serving(answer) as (server, client):
        with pytest.raises(TimeoutError):
            await drained(client, idle_s=0.05)
        await asyncio.wait_for(server.left.wait(), 5)


async def drained(client: HttpClient, idle_s: float) -> None:
    response = await asked(client, idle_s=idle_s)
    try:
        while await response.read():
            pass
    finally:
        client.release(response)


async def test_the_deadline_bounds_all_waits_together() -> None:
    async with serving(None) as (_, client):
        deadline = asyncio.get_running_loop().time() + 0.05
        with pytest.raises(TimeoutError):
            await client.send("GET", "/", idle_s=60.0, deadline=deadline)


async def test_a_server_that_is_ahead_is_not_listened_to_until_its_reader_has_caught_up() -> None:
    size = 40_000_000
    async with serving(OK + b"Content-Length: %d\r\n\r\n" % size + b"x" * size) as (_, client):
        response = await asked(client)
        await asyncio.sleep(0.05)
        first = await response.read()
        assert len(first) < size / 4
        got = len(first)
        while chunk := await response.read():
            got += len(chunk)
        client.release(response)
    assert got == size


async def test_nobody_there_is_no_connection() -> None:
    async with serving() as (_, client):
        pass
    with pytest.raises(NotConnected):
        await asked(client)


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0b"])
async def test_a_header_can_not_hold_another(value: str) -> None:
    with pytest.raises(ValueError, match="end of a line"):
        HttpClient("http://127.0.0.1:1", {"X": value}, 1.0)
    async with serving(WHOLE) as (server, client):
        with pytest.raises(ValueError, match="end of a line"):
            await client.send("POST", "/", b"", {"X": value}, idle_s=1.0)
    assert server.requests == []


async def test_the_name_in_an_address_is_shown_to_the_server() -> None:
    async with serving(WHOLE) as (server, client):
        port = client._port  # pyright: ignore[reportPrivateUsage]
        named = HttpClient(f"http://ann:s%40fe@127.0.0.1:{port}/v1", {}, 5.0)
        assert await read(named) == (200, b"hello")
        await named.aclose()
    assert b"\r\nAuthorization: Basic YW5uOnNAZmU=\r\n" in server.requests[0]
    assert f"\r\nHost: 127.0.0.1:{port}\r\n".encode() in server.requests[0]


async def test_over_tls_the_server_has_to_be_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(_certificate(tmp_path))
    async with serving(WHOLE, WHOLE, tls=tls) as (_, client):
        with pytest.raises(NotConnected, match=r"(?i)certificate"):
            await asked(client)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    async with serving(WHOLE, WHOLE, tls=tls) as (server, client):
        for _ in range(2):
            assert await read(client) == (200, b"hello")
    assert server.connections == 1


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "engine")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    path = folder / "server.pem"
    private = key.private_bytes(pem, form, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(pem))
    return path
