"""The tools that ship: exact arithmetic, clocks, units and notes, all offline.

What it is: the seven definitions as models see them, bound to the modules that do the work.
What it is not: configuration. Where notes are kept is told by whoever calls `build`.

Names, descriptions and schemas are what the embedded model was trained on: a change here needs a new
model, which the golden file in the tests will remind of.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tools.builtin import arithmetic, clock
from tools.builtin.notes import NotesStore
from tools.executor import CallContext, Executor
from tools.executors.function import as_tool, tool
from tools.spec import JSONObject, ToolSpec

Place = Annotated[str, "A city or IANA time zone"]


@tool(read_only=True, idempotent=True, timeout_s=10.0)
def calculate(expression: Annotated[str, "Such as (2 + 3) * 4 or sqrt(2)"]) -> JSONObject:
    """Evaluate an arithmetic expression exactly."""
    return {"result": arithmetic.calculate(expression)}


@tool(read_only=True, timeout_s=10.0)
def current_time(timezone: Place) -> JSONObject:
    """Tell the current date and time in a place."""
    return clock.current_time(timezone)


@tool(read_only=True, timeout_s=10.0)
def convert_time(
    time: Annotated[str, "Such as 15:30 or 9 am"], from_timezone: Place, to_timezone: Place
) -> JSONObject:
    """Convert a time of day from one place to another."""
    return clock.convert_time(time, from_timezone, to_timezone)


@tool(read_only=True, idempotent=True, timeout_s=20.0)
def convert_units(value: float, from_unit: str, to_unit: str) -> JSONObject:
    """Convert a quantity from one unit to another."""
    from tools.builtin import units  # pint takes most of a second

    return units.convert_units(value, from_unit, to_unit)


def build(notes: NotesStore | str | Path = ":memory:") -> list[tuple[ToolSpec, Executor]]:
    """All seven tools, in their fixed order.

    `notes` is a store, or the file in which to keep one; by default notes live as long as the process.
    """
    store = notes if isinstance(notes, NotesStore) else NotesStore(notes)

    @tool(timeout_s=10.0)
    def save_note(text: str, context: CallContext) -> JSONObject:
        """Save a note."""
        return store.save(context.tenant, text, context.idempotency_key)

    @tool(read_only=True, timeout_s=10.0)
    def search_notes(query: str, context: CallContext) -> JSONObject:
        """Search the saved notes."""
        return store.search(context.tenant, query)

    @tool(destructive=True, timeout_s=10.0)
    def delete_note(note_id: int, context: CallContext) -> JSONObject:
        """Delete a note for good."""
        return store.delete(context.tenant, note_id)

    functions = (
        calculate, current_time, convert_time, convert_units, save_note, search_notes, delete_note,
    )  # fmt: skip
    return [as_tool(function) for function in functions]


def tools() -> list[tuple[ToolSpec, Executor]]:
    """What `tools.executors.function.collect` takes: all seven, notes in memory."""
    return build()
