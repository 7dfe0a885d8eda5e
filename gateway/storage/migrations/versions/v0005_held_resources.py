"""What a call in the ledger changes, so that gateways take turns at it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_BEGUN = sa.text("state = 'begun'")


def upgrade() -> None:
    """Add the column; what is begun by then holds nothing."""
    op.add_column("effects", sa.Column("resource", sa.Text, nullable=False, server_default=""))
    op.create_index(
        "effects_held",
        "effects",
        ["tenant", "resource"],
        sqlite_where=_BEGUN,
        postgresql_where=_BEGUN,
    )
