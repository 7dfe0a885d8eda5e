"""Who set aside what of a budget, so that it comes back when they have died."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table; what is set aside by then has no owner, and stays so until its period ends."""
    op.create_table(
        "reservations",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("period", sa.Text, primary_key=True),
        sa.Column("process", sa.Text, primary_key=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["account", "period"], ["accounts.account", "accounts.period"], ondelete="CASCADE"
        ),
    )
    op.create_index("reservations_by_process", "reservations", ["process"])
