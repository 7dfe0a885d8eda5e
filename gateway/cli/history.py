"""Where runs are read from: a running gateway (`--url`), or its database, as the configuration names it.

Both give the documents that REST gives.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol
from urllib.parse import urlencode

import typer

from gateway.cli.client import Document, GatewayClient, run_path
from gateway.cli.exits import CommandError, Exit
from gateway.cli.target import KEY_VARIABLE

if TYPE_CHECKING:
    from gateway.storage.runs import RunStore

Url = Annotated[
    str | None, typer.Option(help="A running gateway; without it, the database is read.")
]
Config = Annotated[
    Path | None, typer.Option(help="The configuration that names the database (storage.url).")
]
Tenant = Annotated[str, typer.Option(help="Whose runs; from a gateway, the key says it.")]
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs, in REST's names; times in seconds since the epoch."""

    since: float | None = None
    until: float | None = None
    status: tuple[str, ...] = ()
    tool: str | None = None
    failed_tool: bool = False
    escalated: bool = False
    q: str | None = None


class History(Protocol):
    """What the commands ask."""

    def page(self, wanted: Wanted, limit: int, after: str | None, *, traces: bool) -> Document: ...
    def run(self, run_id: str) -> Document: ...
    def statistics(self, since: float, until: float) -> Document: ...


def every(
    history: History, wanted: Wanted, limit: int | None = None, *, traces: bool = False
) -> Iterator[Document]:
    """The newest runs that are wanted, page after page; all, where there is no limit."""
    after, left = None, limit
    while left is None or left > 0:
        page = history.page(wanted, min(_PAGE, left or _PAGE), after, traces=traces)
        yield from page["data"]
        if not page["has_more"]:
            return
        after = page["last_id"]
        left = None if left is None else left - len(page["data"])


@contextmanager
def history(url: str | None, config: Path | None, tenant: str) -> Generator[History]:
    """The runs of the gateway at `url`, or of the database."""
    if url is not None:
        yield _Remote(GatewayClient(url, os.environ.get(KEY_VARIABLE)))
        return
    from gateway.compose.reading import build_run_reader
    from gateway.settings import load_settings
    from gateway.storage.errors import StorageUnavailable

    with asyncio.Runner() as runner:
        store = build_run_reader(load_settings(config).storage)
        try:
            yield _Stored(runner, store, tenant)
        except StorageUnavailable as error:
            raise CommandError(f"the database can't be read: {error}") from error
        finally:
            runner.run(store.aclose())


class _Remote:
    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    def page(self, wanted: Wanted, limit: int, after: str | None, *, traces: bool) -> Document:
        asked: dict[str, Any] = {
            "limit": limit,
            "after": after,
            "since": wanted.since,
            "until": wanted.until,
            "status": wanted.status,
            "tool": wanted.tool,
            "failed_tool": wanted.failed_tool or None,
            "escalated": wanted.escalated or None,
            "q": wanted.q,
            "include": "trace" if traces else None,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return self._client.get(f"/v1/runs?{urlencode(given, doseq=True)}")

    def run(self, run_id: str) -> Document:
        return self._client.get(run_path(run_id))

    def statistics(self, since: float, until: float) -> Document:
        asked = urlencode({"since": since, "until": until, "buckets": 1})
        return self._client.get(f"/v1/stats?{asked}")


class _Stored:
    def __init__(self, runner: asyncio.Runner, store: RunStore, tenant: str) -> None:
        self._runner = runner
        self._store = store
        self._tenant = tenant

    def page(self, wanted: Wanted, limit: int, after: str | None, *, traces: bool) -> Document:
        from gateway.history.digest import Filter
        from gateway.history.reading import page
        from gateway.storage.records import RunQuery

        async def read() -> Document:
            before = None
            if after is not None and (last := await self._store.get(self._tenant, after)):
                before = last.created_at, last.run_id
            query = RunQuery(wanted.since, wanted.until, wanted.status, before)
            kept = Filter(wanted.tool, wanted.failed_tool, wanted.escalated, wanted.q)
            return await page(self._store, self._tenant, query, kept, limit=limit, traces=traces)

        return self._runner.run(read())

    def run(self, run_id: str) -> Document:
        found = self._runner.run(self._store.get(self._tenant, run_id))
        if found is None:
            raise CommandError(f"no run {run_id} in the database", code=Exit.NO)
        head = {
            "id": found.run_id,
            "object": "run",
            "status": found.status,
            "created_at": found.created_at,
            "finished_at": found.finished_at,
            "model": found.role,
            "error": found.error,
        }
        return {**head, **found.trace()}

    def statistics(self, since: float, until: float) -> Document:
        from gateway.history.reading import statistics

        asked = statistics(self._store, self._tenant, since=since, until=until, buckets=1)
        return self._runner.run(asked)
