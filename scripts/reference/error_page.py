"""docs/reference/errors.md: the codes that errors carry."""

from __future__ import annotations

import inspect

from scripts.reference.errors import everywhere
from scripts.reference.writing import code, head, table, whole

_ABOUT = (
    "Every error of the surface is"
    ' `{"error": {"message", "type", "param", "code"}}`. Programs go by `code`, which does not change; `message` is'
    " for people and does; `param` names the part of the request at fault. Answers with `Retry-After` may be asked"
    " again after so many seconds."
)
_ELSEWHERE = (
    "What went wrong behind the surface (a model, a store, a tool, a rule), and is translated by one table. A rule's"
    " refusal carries the rule's name as its `code`, and is 429 where waiting helps."
)
_UNKNOWN = (
    "Whatever is neither is 500, `internal_error`: the message names an id that the gateway's log tells everything"
    " about, and nothing else."
)


def page() -> str:
    """The page."""
    lines = head("Error codes", "gateway/api/", _ABOUT)
    lines += ["", "## Of the surface"]
    rows: dict[str, tuple[set[int], set[str], list[str]]] = {}
    for each in sorted(everywhere()):
        statuses, kinds, messages = rows.setdefault(each.code, (set(), set(), []))
        statuses.add(each.status)
        kinds.add(each.kind)
        if each.message and each.message not in messages:
            messages.append(each.message)
    lines += table(
        ("code", "status", "type", "such as"),
        [
            (
                code(name),
                ", ".join(map(str, sorted(statuses))),
                ", ".join(map(code, sorted(kinds))),
                messages[0] if messages else "",
            )
            for name, (statuses, kinds, messages) in rows.items()
        ],
    )
    lines += ["", "## From behind it", "", _ELSEWHERE]
    lines += table(("code", "status", "type", ""), translated())
    return whole([*lines, "", _UNKNOWN])


def translated() -> list[tuple[str, str, str, str]]:
    """The rows of the one table: code, status, type, and what is meant."""
    from gateway.api import errors

    found = vars(errors)["_TABLE"]
    rows: list[tuple[str, str, str, str]] = []
    for kind, (status, name, about) in found.items():
        told = (inspect.getdoc(kind) or "").split("\n\n")[0]
        rows.append((code(about), str(status), code(name), told))
    return sorted(rows)
