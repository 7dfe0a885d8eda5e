"""Images and files that tools brought."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the tables; a file goes with its run, whoever deletes that."""
    op.create_table(
        "run_files",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("handle", sa.Text, primary_key=True),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("counted", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "run_id"], ["runs.tenant", "runs.id"], ondelete="CASCADE"
        ),
    )
    columns = ["tenant", "created_at", "run_id", "handle", "counted"]
    op.create_index("run_files_by_age", "run_files", columns)
    op.create_table(
        "run_file_pieces",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("handle", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "run_id", "handle"],
            ["run_files.tenant", "run_files.run_id", "run_files.handle"],
            ondelete="CASCADE",
        ),
    )
