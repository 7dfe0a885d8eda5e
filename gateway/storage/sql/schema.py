"""The tables as this version knows them. How a database gets there: `gateway/storage/migrations`.

`tenant` begins every key of what apps store, so that no statement can reach across. Times are seconds
since the epoch, sizes are bytes of text. Documents stand last in a row: who lists heads never reads them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

REVISION = "0012"
"""The newest migration; a database that is there needs none."""

VERSION_TABLE = "gateway_version"

metadata = MetaData()


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index of some rows. The condition is told to people: migrations make the index.

    As an option of each dialect it would have both loaded at start-up, and only one is ever used.
    """
    return Index(name, *columns, info={"where": where})


processes = Table(
    "processes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("machine", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("seen_at", Double, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("process", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("finished_at", Double),
    Column("status", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("error", Text),
    Column("request", Text, nullable=False),
    Column("events", Text),
    Index("runs_by_age", "tenant", "created_at", "id", "size"),
    Index("runs_by_end", "finished_at"),
    _partial("runs_going", "process", where="finished_at IS NULL"),
)

run_files = Table(
    "run_files",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("handle", Text, primary_key=True),
    Column("created_at", Double, nullable=False),
    Column("counted", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    ForeignKeyConstraint(["tenant", "run_id"], ["runs.tenant", "runs.id"], ondelete="CASCADE"),
    Index("run_files_by_age", "tenant", "created_at", "run_id", "handle", "counted"),
)

run_file_pieces = Table(
    "run_file_pieces",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("handle", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "run_id", "handle"],
        ["run_files.tenant", "run_files.run_id", "run_files.handle"],
        ondelete="CASCADE",
    ),
)

chains = Table(
    "chains",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("used_at", Double, nullable=False),
    Column("responses", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Index("chains_by_use", "tenant", "used_at", "id", "responses", "size"),
)

_MADE_NOW = "status IN ('queued', 'in_progress')"
_IN_CONVERSATION = "conversation_id IS NOT NULL"

responses = Table(
    "responses",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("chain_id", Text, nullable=False),
    Column("previous_id", Text),
    Column("conversation_id", Text),
    Column("run_id", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("status", Text, nullable=False),
    Column("inputs", Integer, nullable=False),
    Column("input_size", BigInteger, nullable=False),
    Column("item_count", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "chain_id"], ["chains.tenant", "chains.id"], ondelete="CASCADE"
    ),
    Index("responses_by_chain", "tenant", "chain_id"),
    _partial("responses_by_conversation", "tenant", "conversation_id", where=_IN_CONVERSATION),
    _partial("responses_unfinished", "process", where=_MADE_NOW),
)

response_items = Table(
    "response_items",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("response_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("output", Boolean, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("item", Text, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "response_id"], ["responses.tenant", "responses.id"], ondelete="CASCADE"
    ),
    Index("response_items_by_id", "tenant", "response_id", "item_id"),
)

response_events = Table(
    "response_events",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("response_id", Text, primary_key=True),
    Column("sequence_number", Integer, primary_key=True),
    Column("event", Text, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "response_id"], ["responses.tenant", "responses.id"], ondelete="CASCADE"
    ),
)

conversations = Table(
    "conversations",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("created_at", Double, nullable=False),
    Column("used_at", Double, nullable=False),
    Column("next_position", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("metadata", Text, nullable=False),
    Index("conversations_by_use", "tenant", "used_at", "id", "size"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("made_by", Text, nullable=False),
    Column("replaces", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False),
    Column("digest", Text, nullable=False),
)

conversation_items = Table(
    "conversation_items",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("conversation_id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("item_id", Text, nullable=False),
    Column("item", Text, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "conversation_id"],
        ["conversations.tenant", "conversations.id"],
        ondelete="CASCADE",
    ),
    Index("conversation_items_by_id", "tenant", "conversation_id", "item_id"),
)

effects = Table(
    "effects",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("tenant_name", Text, nullable=False),
    Column("run_name", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("resource", Text, nullable=False, server_default=""),
    Column("tool", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("settled_by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("result", Text),
    Index("effects_by_meaning", "tenant", "run_id", "digest"),
    Index("effects_by_change", "changed_at"),
    _partial("effects_begun", "process", where="state = 'begun'"),
    _partial("effects_held", "tenant", "resource", where="state = 'begun'"),
    _partial("effects_unknown", "tenant", "created_at", where="state = 'unknown'"),
)

durable_runs = Table(
    "durable_runs",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("tenant_name", Text, nullable=False),
    Column("run_name", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("losses", Integer, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Index("durable_runs_by_process", "process"),
)

durable_steps = Table(
    "durable_steps",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("record", Text, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "run_id"], ["durable_runs.tenant", "durable_runs.run_id"], ondelete="CASCADE"
    ),
)

suspensions = Table(
    "suspensions",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("process", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("approvals", Text, nullable=False),
    Column("state", Text, nullable=False),
    Index("suspensions_by_status", "status", "expires_at"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("ends_at", Double, nullable=False),
    Column("spent", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Index("accounts_by_end", "ends_at"),
)

reservations = Table(
    "reservations",
    metadata,
    Column("account", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("process", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    ForeignKeyConstraint(
        ["account", "period"], ["accounts.account", "accounts.period"], ondelete="CASCADE"
    ),
    Index("reservations_by_process", "process"),
)

registered_tools = Table(
    "registered_tools",
    metadata,
    Column("name", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index("registered_tools_by_revision", "revision", unique=True),
)

schedules = Table(
    "schedules",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("tenant_name", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("key", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("fires", BigInteger, nullable=False),
    Column("next_at", Double),
    Column("look_at", Double),
    Column("last_response_id", Text),
    Column("plan", Text, nullable=False),
    Index("schedules_by_look", "look_at"),
)

schedule_fires = Table(
    "schedule_fires",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("schedule_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("due_at", Double, nullable=False),
    Column("since", Double, nullable=False),
    Column("fired_at", Double, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("response_id", Text),
    Column("run_id", Text),
    ForeignKeyConstraint(
        ["tenant", "schedule_id"], ["schedules.tenant", "schedules.id"], ondelete="CASCADE"
    ),
)

rates = Table(
    "rates",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column("full_at", BigInteger, nullable=False),
    Column("span", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Times in nanoseconds since the epoch. No index on times: they change with every request."""
