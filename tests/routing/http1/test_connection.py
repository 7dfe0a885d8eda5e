"""One connection, without a network: framing however the bytes are cut, and what is no HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.http1 import Answer, CutShort, HungUp
from routing.http1.connection import Connection
from tests.routing.http1.wire import Memory

pytestmark = pytest.mark.filterwarnings("error")


@dataclass
class Ends:
    """A connection and its other end."""

    transport: Memory = field(default_factory=Memory)
    free: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        self.connection = Connection(self._freed, self._lost)
        self.connection.connection_made(self.transport)

    def _freed(self, _connection: Connection) -> None:
        self.free += 1

    def _lost(self, _connection: Connection) -> None:
        self.lost += 1

    def ask(self, within_s: float = 5.0) -> asyncio.Task[Answer]:
        until = asyncio.get_running_loop().time() + within_s
        return asyncio.ensure_future(self.connection.ask(b"POST / HTTP/1.1\r\n\r\n", b"", until))

    async def hear(self, *pieces: bytes, end: bool = False) -> None:
        await asyncio.sleep(0)
        for piece in pieces:
            if not self.transport.is_over:
                self.connection.data_received(piece)
        if end or self.transport.is_over:
            self.connection.eof_received()
            self.connection.connection_lost(None)


async def whole(answer: Answer) -> bytes:
    return await answer.read_all(10**9, asyncio.get_running_loop().time() + 5)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({0, *(place % (len(data) + 1) for place in at), len(data)})
    return [data[a:b] for a, b in pairwise(places)]


def chunked(pieces: list[bytes], trailer: bytes = b"") -> bytes:
    told = b"".join(b"%x;name=v\r\n%b\r\n" % (len(p), p) for p in pieces if p)
    return told + b"0\r\n" + trailer + b"\r\n"


OK = b"HTTP/1.1 200 OK\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
BODIES = st.lists(st.binary(max_size=40), max_size=6)


@given(
    body=BODIES,
    framing=st.sampled_from(["length", "chunked", "chunked, trailer", "to the end", "1.0"]),
    early=st.booleans(),
    at=st.lists(st.integers(0, 10_000), max_size=30),
)
def test_an_answer_is_the_same_however_its_bytes_are_cut(
    body: list[bytes], framing: str, early: bool, at: list[int]
) -> None:
    told = b"".join(body)
    data = {
        "length": OK + b"X-A: 1\r\nContent-Length: %d\r\n\r\n" % len(told) + told,
        "chunked": OK + b"X-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body),
        "chunked, trailer": OK
        + b"X-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunked(body, b"x-a: 2\r\n"),
        "to the end": OK + b"X-A: 1\r\n\r\n" + told,
        "1.0": b"HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\n" + told,
    }[framing]

    async def run() -> None:
        ends = Ends()
        asking = ends.ask()
        kept = framing not in {"to the end", "1.0"}
        await ends.hear(*cut(EARLY + data if early else data, at), end=not kept)
        answer = await asking
        assert (answer.status, answer.reason, answer.header("x-a")) == (200, b"OK", "1")
        assert answer.header("link") is None
        assert await whole(answer) == told
        assert answer.at_end
        answer.release()
        assert (ends.free, ends.lost) == ((1, 0) if kept else (0, 1))

    asyncio.run(run())


@given(noise=st.binary(max_size=400), at=st.lists(st.integers(0, 400), max_size=8))
def test_whatever_comes_an_answer_ends_and_nothing_foreign_is_raised(
    noise: bytes, at: list[int]
) -> None:
    async def run() -> None:
        ends = Ends()
        asking = ends.ask()
        await ends.hear(*cut(noise, at), end=True)
        try:
            answer = await asking
            await whole(answer)
        except (HungUp, CutShort):
            return
        answer.release()

    asyncio.run(run())


@pytest.mark.parametrize(
    "head",
    [
        b"220 smtp.example ESMTP\r\n",
        OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabc",
        OK + b"content-length: -1\r\n\r\n",
        OK + b"x: a\nb: c\x00\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhello",
        OK + b"x: " + b"a" * 70_000,
        OK + b"x: a\r\n" * 12_000,
    ],
)
async def test_what_is_no_answer_of_http_ends_the_connection_before_anything_is_read(
    head: bytes,
) -> None:
    ends = Ends()
    asking = ends.ask()
    await ends.hear(*[head[at : at + 4096] for at in range(0, len(head), 4096)])
    with pytest.raises(HungUp):
        await asking
    assert ends.transport.is_over


@pytest.mark.parametrize(
    ("framing", "rest"),
    [
        (b"content-length: 10\r\n", b"abc"),
        (b"transfer-encoding: chunked\r\n", b"3\r\nabc\r\n"),
        (b"transfer-encoding: chunked\r\n", b"3\r\nabc\r\nnothing\r\n"),
        (b"transfer-encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n" + b"t: a\r\n" * 12_000),
    ],
)
async def test_a_body_that_ends_early_says_so_behind_what_came(framing: bytes, rest: bytes) -> None:
    ends = Ends()
    asking = ends.ask()
    await ends.hear(OK + framing + b"\r\n")
    answer = await asking
    await ends.hear(*[rest[at : at + 4096] for at in range(0, len(rest), 4096)], end=True)
    until = asyncio.get_running_loop().time() + 5
    assert await answer.read(until) == b"abc"
    with pytest.raises(CutShort):
        await answer.read(until)
    answer.release()
    assert ends.free == 0


@pytest.mark.parametrize("together", [True, False])
async def test_an_answer_that_was_not_asked_for_ends_the_connection(together: bool) -> None:
    one = OK + b"content-length: 2\r\n\r\nhi"
    ends = Ends()
    asking = ends.ask()
    await ends.hear(*([one + one] if together else [one]))
    answer = await asking
    assert await whole(answer) == b"hi"
    answer.release()
    assert ends.transport.is_over == together
    await ends.hear(one)
    assert ends.transport.is_over


async def test_a_connection_whose_request_is_not_sent_to_its_end_is_not_used_again() -> None:
    ends = Ends()
    asking = ends.ask()
    ends.transport.unsent = 1
    await ends.hear(OK + b"content-length: 0\r\n\r\n")
    (await asking).release()
    assert (ends.free, ends.transport.is_over) == (0, True)


@pytest.mark.parametrize("told", [b"connection: close\r\n", b""])
async def test_a_connection_is_kept_unless_the_engine_will_close_it(told: bytes) -> None:
    ends = Ends()
    asking = ends.ask()
    await ends.hear(OK + told + b"content-length: 0\r\n\r\n")
    (await asking).release()
    assert (ends.free, ends.transport.is_over) == ((0, True) if told else (1, False))


async def test_an_answer_left_before_its_end_ends_the_connection() -> None:
    ends = Ends()
    asking = ends.ask()
    await ends.hear(OK + b"content-length: 4\r\n\r\nhi")
    answer = await asking
    assert await answer.read(asyncio.get_running_loop().time() + 5) == b"hi"
    answer.release()
    answer.release()
    assert (ends.free, ends.transport.is_over) == (0, True)
    with pytest.raises(RuntimeError, match="released"):
        await answer.read(0)


async def test_an_engine_waits_while_nobody_reads() -> None:
    ends = Ends()
    asking = ends.ask()
    size, sent = 3_000_000, 0
    await ends.hear(OK + b"content-length: %d\r\n\r\n" % size)
    answer = await asking
    until = asyncio.get_running_loop().time() + 5
    found = reads = 0
    while found < size:
        reads += 1
        while ends.transport.is_flowing and sent < size:
            piece = b"x" * min(65_536, size - sent)
            sent += len(piece)
            await ends.hear(piece)
        assert sent - found <= 256 * 1024 + 65_536
        found += len(await answer.read(until))
        assert ends.transport.is_flowing
    assert reads < 12
    answer.release()
    assert ends.free == 1


async def test_a_wait_ends_in_time_although_an_earlier_one_had_longer() -> None:
    ends = Ends()
    clock = asyncio.get_running_loop().time
    asking = ends.ask(within_s=60)
    await ends.hear(OK + b"content-length: 4\r\n\r\n")
    answer = await asking
    reading = asyncio.ensure_future(answer.read(clock() + 0.01))
    await asyncio.wait({reading}, timeout=5)
    assert isinstance(reading.exception(), TimeoutError)
    await ends.hear(b"hihi")  # a wait that is over takes nothing away
    assert await answer.read(clock() + 60) == b"hihi"


async def test_a_timer_that_was_set_for_an_earlier_wait_does_not_end_a_later_one() -> None:
    ends = Ends()
    clock = asyncio.get_running_loop().time
    asking = ends.ask(within_s=0.03)
    await ends.hear(OK + b"content-length: 2\r\n\r\n")
    answer = await asking
    reading = asyncio.ensure_future(answer.read(clock() + 60))
    await asyncio.sleep(0.06)
    assert not reading.done()
    await ends.hear(b"hi")
    assert await reading == b"hi"


async def test_a_wait_ends_in_time_although_the_timer_was_set_for_an_earlier_one() -> None:
    ends = Ends()
    clock = asyncio.get_running_loop().time
    asking = ends.ask(within_s=0.02)
    await ends.hear(OK + b"content-length: 2\r\n\r\n")
    reading = asyncio.ensure_future((await asking).read(clock() + 0.06))
    await asyncio.wait({reading}, timeout=5)
    assert isinstance(reading.exception(), TimeoutError)


async def test_a_body_in_many_small_pieces_is_no_endless_head() -> None:
    ends = Ends()
    asking = ends.ask()
    await ends.hear(OK + b"transfer-encoding: chunked\r\n\r\n")
    answer = await asking
    for _ in range(25_000):
        ends.connection.data_received(b"1\r\n")
        ends.connection.data_received(b"x\r\n")
    ends.connection.data_received(b"0\r\n\r\n")
    assert await whole(answer) == b"x" * 25_000
    assert not ends.transport.is_over


async def test_an_answer_that_is_whole_leaves_the_connection_usable_although_nobody_read_it() -> (
    None
):
    ends = Ends()
    for body in (b"no", b"hi"):
        asking = ends.ask()
        await ends.hear(OK + b"content-length: 2\r\n\r\n" + body)
        answer = await asking
        if body == b"hi":
            assert await whole(answer) == body
        answer.release()
    assert (ends.free, ends.transport.is_over) == (2, False)


async def test_a_connection_that_was_made_to_wait_is_not_used_again_unread() -> None:
    ends = Ends()
    asking = ends.ask()
    await ends.hear(OK + b"content-length: 300000\r\n\r\n" + b"x" * 300_000)
    assert not ends.transport.is_flowing
    (await asking).release()
    assert (ends.free, ends.transport.is_over) == (0, True)


async def test_a_deadline_holds_against_an_engine_that_never_makes_anyone_wait() -> None:
    ends = Ends()
    asking = ends.ask()
    await ends.hear(OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
    answer = await asking
    with pytest.raises(TimeoutError):
        await answer.read(asyncio.get_running_loop().time())


async def test_cancelling_whoever_waits_for_a_head_closes_the_connection() -> None:
    ends = Ends()
    asking = ends.ask()
    await ends.hear()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ends.transport.is_over
    await ends.hear()
    assert ends.lost == 1
