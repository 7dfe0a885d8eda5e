"""News over a database: PostgreSQL's LISTEN and NOTIFY; with SQLite, a look twice a second.

`tell` belongs to the transaction that changes something: the news goes out when it is committed, and
never otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from sqlalchemy import text

from gateway.storage.errors import StorageUnavailable
from gateway.storage.news import ANYTHING
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.database import Database, translated

_CHANNEL = "gateway_news"
_POLL_S = 0.5
_LOOK_S = 30.0
"""How often one looks in any case where news are told: a connection may have died in silence."""
_CONNECT_S = 10.0
_NOTIFY = text("SELECT pg_notify(:channel, :topic)")


async def tell(connection: AsyncConnection, topic: str) -> None:
    """Let the others know, when this transaction is committed."""
    if connection.dialect.name == "postgresql":
        await connection.execute(_NOTIFY, {"channel": _CHANNEL, "topic": topic})


class SqlNews:
    """`News` over one database."""

    def __init__(self, database: Database, poll_s: float = _POLL_S) -> None:
        database.hold()
        self._database = database
        self._poll_s = poll_s

    async def topics(self) -> AsyncGenerator[str]:
        if self._database.dialect != "postgresql":
            while True:
                yield ANYTHING
                await asyncio.sleep(self._poll_s)
        heard: asyncio.Queue[str | None] = asyncio.Queue()

        def note(_connection: Any, _pid: int, _channel: str, topic: str) -> None:
            heard.put_nowait(topic)

        def lost(_connection: Any) -> None:
            heard.put_nowait(None)

        async with translated(), self._database.engine.connect() as connection:
            async with asyncio.timeout(_CONNECT_S):
                driver: Any = (await connection.get_raw_connection()).driver_connection
                await driver.add_listener(_CHANNEL, note)
            driver.add_termination_listener(lost)
            try:
                yield ANYTHING
                while True:
                    try:
                        async with asyncio.timeout(_LOOK_S):
                            topic = await heard.get()
                    except TimeoutError:
                        topic = ANYTHING
                    if topic is None:
                        raise StorageUnavailable("the connection that hears of changes is gone")
                    yield topic
            finally:
                driver.remove_termination_listener(lost)
                if not driver.is_closed():
                    await driver.remove_listener(_CHANNEL, note)

    async def aclose(self) -> None:
        await self._database.release()
