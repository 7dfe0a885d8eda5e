"""One process at a time, of all over a PostgreSQL database, until its transaction ends."""

from __future__ import annotations

from sqlalchemy import text

from gateway.storage.sql.asynchronous import AsyncConnection

_WAIT = text("SELECT pg_advisory_xact_lock(:lock)")
_WAIT_FOR_NAME = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, :seed))")


async def alone(connection: AsyncConnection, lock: int) -> None:
    """Whoever asks for the same lock waits for the end of this transaction; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(_WAIT, {"lock": lock})


async def alone_with(connection: AsyncConnection, name: str, seed: int) -> None:
    """As `alone`, for those who ask with the same name and seed: there are too many names for locks of their own."""
    if connection.dialect.name == "postgresql":
        await connection.execute(_WAIT_FOR_NAME, {"name": name, "seed": seed})
