"""Requests that come again by themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "schedules",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_name", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("fires", sa.BigInteger, nullable=False),
        sa.Column("next_at", sa.Double),
        sa.Column("look_at", sa.Double),
        sa.Column("last_response_id", sa.Text),
        sa.Column("plan", sa.Text, nullable=False),
    )
    op.create_index("schedules_by_look", "schedules", ["look_at"])
    op.create_table(
        "schedule_fires",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("schedule_id", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("fired_at", sa.Double, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("response_id", sa.Text),
        sa.Column("run_id", sa.Text),
        sa.ForeignKeyConstraint(
            ["tenant", "schedule_id"],
            ["schedules.tenant", "schedules.id"],
            ondelete="CASCADE",
        ),
    )
