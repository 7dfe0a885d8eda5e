"""Alembic's migrations of the SQL stores, oldest first in `versions`. Run by `gateway.storage.sql.migrate`."""
