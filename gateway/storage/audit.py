"""The audit log at rest: the seam. Entries are only ever added, each chained to the one before it.

An entry's digest is SHA-256 over the digest before it and its own text, so that whoever changes, removes
or moves one has to change every later one as well. What was cut off at the end is seen only by who noted
the last digest elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Protocol

GENESIS = "0" * 64


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Entry:
    """Who did what, what was said to it, and by which policy. No arguments, no text, no names of people.

    `at` in seconds since the epoch. `who` is the id of a key, empty without authentication. `what` is a
    tool, a key's id or a model. `said` is allow, deny or approval.
    """

    at: float
    who: str
    tenant: str
    action: str
    what: str
    said: str
    policy: str = ""
    version: str = ""
    run_id: str = ""


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Chained:
    """An entry as it is kept. `number` counts from 1 without a gap; `text` is JSON."""

    number: int
    text: str
    digest: str


def chained(last: Chained | None, entries: Sequence[Entry]) -> Iterator[Chained]:
    """New entries behind the last one."""
    number, before = (last.number, last.digest) if last else (0, GENESIS)
    for entry in entries:
        text = _canonical(entry)
        number, before = number + 1, digest(before, text)
        yield Chained(number, text, before)


def _canonical(entry: Entry) -> str:
    """As `json.dumps` writes it, with names in order and no spaces, in a quarter of its time: an entry a call is written."""
    quoted = encode_basestring_ascii
    return (
        f'{{"action":{quoted(entry.action)},"at":{entry.at!r},"policy":{quoted(entry.policy)}'
        f',"run_id":{quoted(entry.run_id)},"said":{quoted(entry.said)},"tenant":{quoted(entry.tenant)}'
        f',"version":{quoted(entry.version)},"what":{quoted(entry.what)},"who":{quoted(entry.who)}}}'
    )


def digest(before: str, text: str) -> str:
    """What chains an entry to the one before it."""
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


class AuditStore(Protocol):
    """Keeps the log. Twins: memory, and SQL."""

    async def append(self, entries: Sequence[Entry]) -> None:
        """Add entries at the end, all or none; safe beside other processes."""
        ...

    async def page(self, after: int, limit: int = 500) -> Sequence[Chained]:
        """The entries behind number `after`, in order."""
        ...

    async def aclose(self) -> None: ...
