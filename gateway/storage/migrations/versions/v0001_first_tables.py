"""The first tables: runs, responses in chains, conversations, and who is alive."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_GOING = sa.text("finished_at IS NULL")
_MADE_NOW = sa.text("status IN ('queued', 'in_progress')")
_IN_CONVERSATION = sa.text("conversation_id IS NOT NULL")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "processes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("machine", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
    )
    _runs()
    _responses()
    _conversations()


def _key(name: str = "id") -> tuple[sa.Column[str], sa.Column[str]]:
    """The columns that begin every row of a tenant's own."""
    return (
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column(name, sa.Text, primary_key=True),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        *_key(),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("finished_at", sa.Double),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("trace", sa.Text),
        sa.Column("events", sa.Text),
    )
    op.create_index("runs_by_age", "runs", ["tenant", "created_at", "id", "size"])
    op.create_index("runs_by_end", "runs", ["finished_at"])
    op.create_index("runs_going", "runs", ["process"], sqlite_where=_GOING, postgresql_where=_GOING)


def _responses() -> None:
    op.create_table(
        "chains",
        *_key(),
        sa.Column("used_at", sa.Double, nullable=False),
        sa.Column("responses", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    op.create_index("chains_by_use", "chains", ["tenant", "used_at", "id", "responses", "size"])
    op.create_table(
        "responses",
        *_key(),
        sa.Column("chain_id", sa.Text, nullable=False),
        sa.Column("previous_id", sa.Text),
        sa.Column("conversation_id", sa.Text),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("inputs", sa.Integer, nullable=False),
        sa.Column("input_size", sa.BigInteger, nullable=False),
        sa.Column("item_count", sa.Integer, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "chain_id"], ["chains.tenant", "chains.id"], ondelete="CASCADE"
        ),
    )
    op.create_index("responses_by_chain", "responses", ["tenant", "chain_id"])
    op.create_index(
        "responses_by_conversation",
        "responses",
        ["tenant", "conversation_id"],
        sqlite_where=_IN_CONVERSATION,
        postgresql_where=_IN_CONVERSATION,
    )
    op.create_index(
        "responses_unfinished",
        "responses",
        ["process"],
        sqlite_where=_MADE_NOW,
        postgresql_where=_MADE_NOW,
    )
    of_response = ["tenant", "response_id"], ["responses.tenant", "responses.id"]
    op.create_table(
        "response_items",
        *_key("response_id"),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("output", sa.Boolean, nullable=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(*of_response, ondelete="CASCADE"),
    )
    op.create_index("response_items_by_id", "response_items", ["tenant", "response_id", "item_id"])
    op.create_table(
        "response_events",
        *_key("response_id"),
        sa.Column("sequence_number", sa.Integer, primary_key=True),
        sa.Column("event", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(*of_response, ondelete="CASCADE"),
    )


def _conversations() -> None:
    op.create_table(
        "conversations",
        *_key(),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("used_at", sa.Double, nullable=False),
        sa.Column("next_position", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
    )
    op.create_index("conversations_by_use", "conversations", ["tenant", "used_at", "id", "size"])
    op.create_table(
        "conversation_items",
        *_key("conversation_id"),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "conversation_id"],
            ["conversations.tenant", "conversations.id"],
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "conversation_items_by_id",
        "conversation_items",
        ["tenant", "conversation_id", "item_id"],
    )
