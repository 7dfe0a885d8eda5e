"""What comes after a search of the notes: most often an answer, a deletion only where it was asked for.

A deletion that names what the note is about takes two steps: search, then delete the one note that was found.
When there are several the user is asked which; when there is none, told so.
"""

from __future__ import annotations

from random import Random
from typing import Any

from models.nano import outcomes
from models.nano.ask_notes import delete_about, search
from models.nano.grammar import Ask, Source
from models.nano.render import Call, Round

# What is to be learned, and how often. `FIRST` is the first step of a deletion: to search.
FIRST = "delete_first"
KINDS = {
    "found": 40,
    FIRST: 12,
    "delete_found": 20,
    "delete_which": 12,
    "delete_none": 8,
    "delete_told": 8,
}
WHICH, WHICH_ZH = " Which one should I delete?", "要删除哪一条？"


def draw(rng: Random) -> str:
    """One of the kinds."""
    return rng.choices(list(KINDS), list(KINDS.values()))[0]


def ask(source: Source, kind: str, chinese: bool) -> Ask:
    """The request that such a conversation begins with."""
    return (search if kind == "found" else delete_about)(source, chinese)


def follow(
    source: Source, kind: str, call: Call, chinese: bool
) -> tuple[tuple[Round, ...], list[Call] | str]:
    """What happened after the request whose search is ``call``, and what the model is to do then."""
    if kind == "found":
        result = outcomes.returned(source, call, chinese)
        return (Round((call,), (result,)),), outcomes.sentence(call, result, chinese)
    many = {"delete_which": source.rng.choice([2, 2, 3]), "delete_none": 0}.get(kind, 1)
    notes = outcomes.notes(source, call[1]["query"], chinese, many, share=1.0)
    found = Round((call,), ({"notes": notes},))
    if many != 1:
        told = outcomes.sentence(call, {"notes": notes}, chinese)
        return (found,), told + (WHICH_ZH if chinese else WHICH) * (many > 1)
    delete: Call = ("delete_note", {"note_id": notes[0]["note_id"]})
    if kind == "delete_found":
        return (found,), [delete]
    done: dict[str, Any] = {"deleted": True, "note_id": notes[0]["note_id"]}
    return (found, Round((delete,), (done,))), outcomes.sentence(delete, done, chinese)
