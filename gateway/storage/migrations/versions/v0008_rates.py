"""What rates have left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table; in PostgreSQL one that no write has to wait for the disk for."""
    unlogged = ["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else []
    op.create_table(
        "rates",
        sa.Column("bucket", sa.Text, primary_key=True),
        sa.Column("full_at", sa.BigInteger, nullable=False),
        sa.Column("span", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        prefixes=unlogged,
    )
