"""A run's trace is folded from its events when it is read: it is not written beside them any more."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Drop the column; what a run counts for is what is left of it."""
    op.execute("UPDATE runs SET size = size - length(trace) WHERE trace IS NOT NULL")
    op.drop_column("runs", "trace")
