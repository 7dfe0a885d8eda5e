"""What Alembic runs for each migration: on the connection, and in the transaction, that it is handed."""

from __future__ import annotations

from alembic import context

from gateway.storage.sql.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
