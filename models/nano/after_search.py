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

# What is to be learned, and how often. `FIRST` is the first step of a deletion: to search. Where a single note
# came back an answer is seven times as frequent as a deletion: with as many of both the model deleted unasked.
FIRST = "delete_first"
KINDS = {
    "found": 74,
    FIRST: 9,
    "delete_found": 6,
    "delete_which": 7,
    "delete_none": 3,
    "delete_told": 4,
}
WHICH, WHICH_ZH = " Which one should I delete?", "要删除哪一条？"


def draw(rng: Random) -> str:
    """One of the kinds."""
    return rng.choices(list(KINDS), list(KINDS.values()))[0]


def ask(source: Source, kind: str, chinese: bool) -> Ask:
    """The request that such a conversation begins with."""
    return (search if kind == "found" else delete_about)(source, chinese)


def follow(
    source: Source, kind: str, calls: list[Call], chinese: bool
) -> tuple[tuple[Round, ...], list[Call] | str]:
    """What happened after the request whose first search is among ``calls``, and what is to be done then.

    The other calls were made with it: they come back with it, and are told at the end.
    """
    at = next(i for i, (name, _) in enumerate(calls) if name == "search_notes")
    many = {"delete_which": source.rng.choice([2, 2, 3]), "delete_none": 0}.get(kind, 1)
    results = [outcomes.returned(source, call, chinese) for call in calls]
    if kind != "found":
        query = calls[at][1]["query"]
        results[at] = {"notes": outcomes.notes(source, query, chinese, many, share=1.0)}
    told = outcomes.sentences(calls, results, chinese)
    first = Round(tuple(calls), tuple(results))
    gap = "" if chinese else " "
    if kind == "found" or many != 1:
        return (first,), gap.join(told) + (WHICH_ZH if chinese else WHICH) * (many > 1)
    number = results[at]["notes"][0]["note_id"]
    delete: Call = ("delete_note", {"note_id": number})
    if kind == "delete_found":
        return (first,), [delete]
    done: dict[str, Any] = {"deleted": True, "note_id": number}
    told[at] = outcomes.sentence(delete, done, chinese)
    return (first, Round((delete,), (done,))), gap.join(told)
