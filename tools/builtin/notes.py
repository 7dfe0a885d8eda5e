"""`save_note`, `search_notes`, `delete_note`: notes in SQLite, kept apart by tenant.

What it is: a small store with real writes and a real destructive call. Saving is idempotent by the
call's idempotency key: a call that is repeated after a crash saves once. Search is full text over
trigrams, which needs no word boundaries and so finds Chinese too; what is too short for trigrams is
looked for as it stands.
What it is not: async. Its methods block and are called in a thread; one lock serialises them.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tools.errors import ToolFailed, ToolUnavailable
from tools.spec import JSONObject

MAX_CHARACTERS = 20_000
MAX_FOUND = 20
_MAX_TERMS = 16

_SCHEMA = """
CREATE TABLE IF NOT EXISTS counters (tenant TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    note_id INTEGER NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (tenant, note_id)
);
CREATE TABLE IF NOT EXISTS saved_calls (
    tenant TEXT NOT NULL, call_key TEXT NOT NULL, note_id INTEGER NOT NULL,
    PRIMARY KEY (tenant, call_key)
);
CREATE VIRTUAL TABLE IF NOT EXISTS notes_text USING fts5(
    text, content='notes', content_rowid='id', tokenize='trigram'
);
CREATE TRIGGER IF NOT EXISTS notes_added AFTER INSERT ON notes BEGIN
    INSERT INTO notes_text (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER IF NOT EXISTS notes_removed AFTER DELETE ON notes BEGIN
    INSERT INTO notes_text (notes_text, rowid, text) VALUES ('delete', old.id, old.text);
END;
"""
_WORD = re.compile(r"[^\W_]+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_STOP = frozenset(
    "a an the and or of to in on for with about from my me i all any note notes saved find search show"
    " what which that is are was were do did have there".split()
)


class NotesStore:
    """`path` is a file, made when it is missing, or `:memory:`."""

    def __init__(self, path: str | Path = ":memory:") -> None:
        if str(path) != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=5.0, check_same_thread=False, isolation_level=None)
        # A store that nobody closed, or that is no database, lets go of its file when it is forgotten.
        weakref.finalize(self, self._db.close)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Release the file. Calls after this fail as unavailable."""
        with self._lock:
            self._db.close()

    def save(self, tenant: str, text: str, call_key: str = "") -> JSONObject:
        """`{"note_id"}`, counted from 1 for each tenant. The same `call_key` saves once."""
        if not text.strip():
            raise ToolFailed("the note is empty: give its text")
        if len(text) > MAX_CHARACTERS:
            raise ToolFailed(f"the note has {len(text)} characters, {MAX_CHARACTERS} are allowed")
        with self._transaction() as db:
            if call_key:
                row = db.execute(
                    "SELECT note_id FROM saved_calls WHERE tenant = ? AND call_key = ?",
                    (tenant, call_key),
                ).fetchone()
                if row is not None:
                    return {"note_id": row[0]}
            (note_id,) = db.execute(
                "INSERT INTO counters VALUES (?, 1) ON CONFLICT DO UPDATE SET last = last + 1"
                " RETURNING last",
                (tenant,),
            ).fetchone()
            db.execute(
                "INSERT INTO notes (tenant, note_id, text) VALUES (?, ?, ?)",
                (tenant, note_id, text),
            )
            if call_key:
                db.execute("INSERT INTO saved_calls VALUES (?, ?, ?)", (tenant, call_key, note_id))
        return {"note_id": note_id}

    def search(self, tenant: str, query: str) -> JSONObject:
        """`{"notes": [{"note_id", "text"}]}`, the best first, at most twenty.

        A query without a word to look for (`*`, `my notes`) gives the latest notes.
        """
        terms = _terms(query)
        with self._transaction() as db:
            if not terms:
                rows = db.execute(
                    "SELECT note_id, text FROM notes WHERE tenant = ? ORDER BY id DESC LIMIT ?",
                    (tenant, MAX_FOUND),
                ).fetchall()
            else:
                rows = _by_text(db, tenant, terms) or _by_pieces(db, tenant, terms)
        return {"notes": [{"note_id": note_id, "text": text} for note_id, text in rows]}

    def delete(self, tenant: str, note_id: int) -> JSONObject:
        """`{"deleted", "note_id"}`. Raises `ToolFailed` when the tenant has no such note."""
        with self._transaction() as db:
            known = abs(note_id) < 2**63
            gone = (
                known
                and db.execute(
                    "DELETE FROM notes WHERE tenant = ? AND note_id = ?", (tenant, note_id)
                ).rowcount
            )
            if not gone:
                raise ToolFailed(
                    f"there is no note {note_id}: search the notes for the right note_id"
                )
        return {"deleted": True, "note_id": note_id}

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise ToolUnavailable(f"the notes can't be reached: {error}", sent=False) from error


def _terms(query: str) -> list[str]:
    words = [word for word in _WORD.findall(query.casefold()) if word not in _STOP]
    singular = (
        word[:-1] if len(word) > 4 and word.endswith("s") and word.isascii() else word
        for word in words
    )
    return list(dict.fromkeys(singular))[:_MAX_TERMS]


def _by_text(db: sqlite3.Connection, tenant: str, terms: list[str]) -> list[tuple[int, str]]:
    """Full text: notes that hold one of the terms of three characters or more, the rarest first."""
    wanted = " OR ".join(f'"{term}"' for term in terms if len(term) >= 3)
    if not wanted:
        return []
    return db.execute(
        "SELECT note_id, notes.text FROM notes_text JOIN notes ON notes.id = notes_text.rowid"
        " WHERE notes_text MATCH ? AND tenant = ? ORDER BY notes_text.rank, id DESC LIMIT ?",
        (wanted, tenant, MAX_FOUND),
    ).fetchall()


def _by_pieces(db: sqlite3.Connection, tenant: str, terms: list[str]) -> list[tuple[int, str]]:
    """Terms as they stand, Chinese and the like in pairs of characters; the most hits first."""
    pieces: list[str] = []
    for term in terms:
        if len(term) > 2 and _CJK.search(term):
            pieces.extend(term[i : i + 2] for i in range(len(term) - 1))
        else:
            pieces.append(term)
    pieces = list(dict.fromkeys(pieces))[: _MAX_TERMS * 2]
    hits = " + ".join("(instr(lower(text), ?) > 0)" for _ in pieces)
    return db.execute(
        f"SELECT note_id, text FROM (SELECT id, note_id, text, {hits} AS hits FROM notes WHERE tenant = ?)"  # noqa: S608  # placeholders only
        " WHERE hits > 0 ORDER BY hits DESC, id DESC LIMIT ?",
        (*pieces, tenant, MAX_FOUND),
    ).fetchall()
