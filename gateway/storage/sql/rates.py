"""The buckets of rates in SQL, shared by all gateways that use the database.

Taking is one statement, whose condition the database itself holds to: however many ask at once, in
whichever process, none takes what another has taken. Only where something was missing does a second one
give back what the first has taken of other buckets.

The clock is the database's, so that hosts need not agree on the time. In PostgreSQL the table is unlogged:
what is taken waits for no disk, and a crash of the server fills the buckets.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache

from sqlalchemy import TextClause, text

from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.database import Database
from gateway.storage.sql.text import key
from policies.allowance import Draw

_NOW = {
    "postgresql": "CAST(extract(epoch FROM statement_timestamp()) * 1000000000 AS BIGINT)",
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000000",
}
_LATER = {"postgresql": "GREATEST", "sqlite": "max"}


@cache
def _taking(dialect: str, draws: int, *, owing: bool) -> TextClause:
    """Take `draws` draws, each if there is enough, or with `owing` in any case.

    Gives the buckets that were taken from, and in how many nanoseconds each is full again.
    """
    now, later = _NOW[dialect], _LATER[dialect]
    row = "(:bucket{0}, {1} + CAST(:cost{0} AS BIGINT), CAST(:span{0} AS BIGINT), {1})"
    rows = ", ".join(row.format(at, now) for at in range(draws))
    begin, cost = f"{later}(rates.full_at, excluded.at)", "(excluded.full_at - excluded.at)"
    enough = f" WHERE {begin} + {later}({cost}, 1) <= excluded.at + excluded.span"
    return text(
        f"INSERT INTO rates (bucket, full_at, span, at) VALUES {rows}"  # noqa: S608 - no values
        f" ON CONFLICT (bucket) DO UPDATE SET full_at = {begin} + {cost}, span = excluded.span,"
        f" at = excluded.at{'' if owing else enough} RETURNING bucket, full_at - at"
    )


class SqlBuckets:
    """Buckets over one database, which others hold open. Raises `StorageUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, draws: Sequence[Draw]) -> Sequence[float]:
        """As `policies.allowance.Allowance.take`."""
        if any(draw.cost_ns > draw.span_ns for draw in draws):  # more than a full bucket holds
            return [draw.wait_s(0) for draw in draws]
        costs = {key(draw.bucket): draw.cost_ns for draw in draws}
        async with self._statements() as connection:
            taken = await self._execute(connection, draws, costs, owing=False)
            if len(taken) == len(draws):
                return [0.0] * len(draws)
            back = {bucket: -cost if bucket in taken else 0 for bucket, cost in costs.items()}
            debts = await self._execute(connection, draws, back, owing=True)
        waits = [draw.wait_s(debts[key(draw.bucket)]) for draw in draws]
        if any(waits):
            return waits
        # what was missing has flowed in, or was given back, meanwhile
        return [1e-3 if key(draw.bucket) not in taken else 0.0 for draw in draws]

    async def spend(self, draws: Sequence[Draw]) -> None:
        """As `policies.allowance.Allowance.spend`, written when this returns."""
        costs = {key(draw.bucket): draw.cost_ns for draw in draws}
        async with self._statements() as connection:
            await self._execute(connection, draws, costs, owing=True)

    @asynccontextmanager
    async def _statements(self) -> AsyncGenerator[AsyncConnection]:
        """PostgreSQL ends each by itself, which spares a round trip before and one after it."""
        if self._database.dialect == "postgresql":
            async with self._database.statements() as connection:
                yield connection
        else:
            async with self._database.write() as connection:
                yield connection

    async def _execute(
        self,
        connection: AsyncConnection,
        draws: Sequence[Draw],
        costs: Mapping[str, int],
        *,
        owing: bool,
    ) -> Mapping[str, int]:
        """The debts of the buckets that were taken from, in nanoseconds."""
        spans = {key(draw.bucket): draw.span_ns for draw in draws}
        values = dict(_numbered(costs, spans))
        statement = _taking(self._database.dialect, len(costs), owing=owing)
        rows = await connection.execute(statement, values)
        return {row[0]: row[1] for row in rows}


def _numbered(
    costs: Mapping[str, int], spans: Mapping[str, int]
) -> Iterable[tuple[str, str | int]]:
    """Always in the order of the buckets: who locks rows in one order never waits in a circle."""
    for at, bucket in enumerate(sorted(costs)):
        yield f"bucket{at}", bucket
        yield f"cost{at}", costs[bucket]
        yield f"span{at}", spans[bucket]
