"""What is asked about, as Cedar takes it: entities and context in JSON (`schema.cedarschema`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from policies.cedar.arguments import Flat
from policies.policy import Subject
from tools.spec import ToolSpec

ROLES = ("app", "author", "operator")
_KINDS = (("text", "Text"), ("number", "Number"), ("flag", "Flag"), ("strings", "Strings"))
Uid = dict[str, str]


class Asked(NamedTuple):
    """The context of a question, and the entities that it speaks of."""

    context: dict[str, Any]
    entities: Sequence[dict[str, Any]]


def asked_of_call(
    subject: Subject, now: datetime, arguments: Flat | None, *, tainted: bool | None
) -> Asked:
    """The context of a call at `now` (UTC). What no policy reads may be None."""
    context = {
        **NO_CONTEXT.context,
        "step": subject.step,
        "cost_micro_usd": int(subject.cost_usd * 1_000_000),
        "hour": now.hour,
        "minute": now.minute,
        "weekday": now.isoweekday(),
    }
    if tainted is not None:
        context["tainted"] = tainted
    if arguments is None:
        return Asked(context, NO_CONTEXT.entities)
    context["paths"] = arguments.paths
    return Asked(context, [_tagged(kind, getattr(arguments, name)) for name, kind in _KINDS])


def principal(uid: Uid, subject: Subject) -> list[dict[str, Any]]:
    """The key with its roles, each with what it contains, and its tenant."""
    tenant: Uid = {"type": "Tenant", "id": subject.tenant}
    role: Uid = {"type": "Role", "id": subject.role}
    attributes = {"role": subject.role, "tenant": subject.tenant}
    key = {"uid": uid, "attrs": attributes, "parents": [role, tenant]}
    return [key, *_ROLE_ENTITIES]


def resource(uid: Uid, tool: ToolSpec | None) -> dict[str, Any]:
    """A tool, or where there is none, a model."""
    if tool is None:
        return {"uid": uid, "attrs": {"name": uid["id"]}, "parents": []}
    hints = tool.annotations
    attributes = {
        "name": tool.name,
        "effect": str(tool.effect),
        "read_only": hints.read_only,
        "idempotent": hints.idempotent,
        "destructive": hints.destructive,
        "open_world": hints.open_world,
    }
    return {"uid": uid, "attrs": attributes, "parents": []}


def _tagged(kind: str, tags: dict[str, Any]) -> dict[str, Any]:
    return {"uid": {"type": kind, "id": "_"}, "attrs": {}, "parents": [], "tags": tags}


_ROLE_ENTITIES = [
    {
        "uid": {"type": "Role", "id": role},
        "attrs": {},
        "parents": [{"type": "Role", "id": below} for below in ROLES[max(at - 1, 0) : at]],
    }
    for at, role in enumerate(ROLES)
]
NOTHING = Asked({}, ())
NO_CONTEXT = Asked(
    {
        "step": 0,
        "cost_micro_usd": 0,
        "hour": 0,
        "minute": 0,
        "weekday": 1,
        "paths": [],
        **{name: {"__entity": {"type": kind, "id": "_"}} for name, kind in _KINDS},
    },
    tuple(_tagged(kind, {}) for _, kind in _KINDS),
)
"""For policies that do not look."""
