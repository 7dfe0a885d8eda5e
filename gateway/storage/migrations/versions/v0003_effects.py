"""The ledger of effects, and runs that wait for a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_BEGUN = sa.text("state = 'begun'")
_UNKNOWN = sa.text("state = 'unknown'")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "effects",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_name", sa.Text, nullable=False),
        sa.Column("run_name", sa.Text, nullable=False),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("tool", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("settled_by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("result", sa.Text),
    )
    op.create_index("effects_by_meaning", "effects", ["tenant", "run_id", "digest"])
    op.create_index("effects_by_change", "effects", ["changed_at"])
    for name, columns, where in (
        ("effects_begun", ["process"], _BEGUN),
        ("effects_unknown", ["tenant", "created_at"], _UNKNOWN),
    ):
        op.create_index(name, "effects", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "suspensions",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("approvals", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_index("suspensions_by_status", "suspensions", ["status", "expires_at"])
