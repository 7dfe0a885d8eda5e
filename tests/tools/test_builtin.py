"""The seven tools that ship: what models see is golden, what they answer is exact."""

from __future__ import annotations

import gc
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mistral_common.protocol.instruct.tool_calls import ToolCall

from tools import builtin
from tools.builtin import clock
from tools.builtin.notes import NotesStore
from tools.executor import CallContext
from tools.executors.function import collect
from tools.registry import Registry
from tools.spec import Effect, ValidCall

GOLDEN = json.loads((Path(__file__).parent / "builtin_tools.json").read_text())


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    for spec, executor in builtin.build():
        registry.register(spec, executor)
    return registry


@pytest.fixture
def use(registry: Registry, make_call: Callable[..., ToolCall]) -> Callable[..., Any]:
    async def run(name: str, tenant: str = "default", key: str = "", **arguments: Any) -> str:
        call = registry.check(make_call(name, arguments))
        assert isinstance(call, ValidCall), call
        context = CallContext(tenant=tenant, idempotency_key=key)
        return (await registry.execute(call, context)).content

    return run


def test_what_models_see_is_what_the_embedded_model_was_trained_on() -> None:
    seen = [
        {"name": spec.name, "description": spec.description, "parameters": spec.parameters}
        for spec, _ in collect(builtin)
    ]
    assert json.dumps(seen) == json.dumps(GOLDEN)  # the order of keys counts too


def test_effects_are_declared() -> None:
    effects = {spec.name: spec.effect for spec, _ in builtin.build()}
    assert effects == {
        **dict.fromkeys(
            ("calculate", "current_time", "convert_time", "convert_units"), Effect.READ
        ),
        "save_note": Effect.WRITE,
        "search_notes": Effect.READ,
        "delete_note": Effect.DESTROY,
    }


def test_importing_them_imports_neither_pint_nor_babel() -> None:
    code = "import sys, tools.builtin; print([m for m in ('pint', 'babel') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_each_answers_in_its_promised_form(
    use: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 11, 21, 5, 3, tzinfo=UTC)
    monkeypatch.setattr(clock.current_time, "__defaults__", (lambda: now,))
    monkeypatch.setattr(clock.convert_time, "__defaults__", (lambda: now,))
    assert await use("calculate", expression="17 * 23") == '{"result":"391"}'
    assert await use("current_time", timezone="Tokyo") == (
        '{"timezone":"Asia/Tokyo","time":"2026-11-21 14:03","weekday":"Saturday"}'
    )
    assert (
        await use("convert_time", time="9 am", from_timezone="London", to_timezone="东京")
        == '{"time":"18:00","timezone":"Asia/Tokyo","day":"same day"}'
    )
    assert await use("convert_units", value=5, from_unit="miles", to_unit="km") == (
        '{"value":8.04672,"unit":"kilometer"}'
    )
    assert await use("save_note", text="Buy milk") == '{"note_id":1}'
    assert await use("search_notes", query="milk") == '{"notes":[{"note_id":1,"text":"Buy milk"}]}'
    assert await use("delete_note", note_id=1) == '{"deleted":true,"note_id":1}'
    assert await use("search_notes", query="milk") == '{"notes":[]}'
    assert "there is no note 1" in json.loads(await use("delete_note", note_id=1))["error"]


async def test_a_note_is_saved_once_for_one_key_and_kept_from_other_tenants(
    use: Callable[..., Any],
) -> None:
    assert await use("save_note", key="run:1", text="Secret plan") == '{"note_id":1}'
    assert await use("save_note", key="run:1", text="Secret plan") == '{"note_id":1}'
    assert await use("save_note", tenant="other", key="run:1", text="Other plan") == '{"note_id":1}'
    assert (
        await use("search_notes", query="plan") == '{"notes":[{"note_id":1,"text":"Secret plan"}]}'
    )
    assert "no note 2" in await use("delete_note", tenant="other", note_id=2)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("milk", [1]),
        ("MILK", [1]),
        ("mil", [1]),
        ("牛奶", [2]),
        ("买牛奶", [2]),
        ("我要买牛奶吗", [2]),
        ("dentist appointments", [3]),
        ("eggs or dentist", [1, 3]),
        ("my notes", [3, 2, 1]),
        ("*", [3, 2, 1]),
        ("", [3, 2, 1]),
        ("xyz", []),
        ('"; DROP TABLE notes; --', []),
        ("NEAR( OR AND", []),
        ("q\0z", []),
        ("100%", []),
    ],
)
def test_notes_are_found_in_english_and_chinese(query: str, found: list[int]) -> None:
    store = NotesStore()
    for text in ("Buy milk and eggs", "明天去买牛奶", "Dentist on Monday"):
        store.save("t", text)
    ids = [note["note_id"] for note in store.search("t", query)["notes"]]
    assert sorted(ids) == sorted(found)
    if len(found) == 3:
        assert ids == found


def test_a_file_that_is_no_database_is_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_bytes(b"no database" * 400)
    with pytest.raises(sqlite3.DatabaseError):
        NotesStore(path)
    gc.collect()  # from Python 3.13 on it warns of a connection that was not closed


def test_notes_outlive_the_process_in_a_file_and_ids_are_not_used_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "notes.db"
    first = NotesStore(path)
    first.save("t", "one")
    first.save("t", "two")
    first.delete("t", 2)
    first.close()
    second = NotesStore(path)
    assert second.search("t", "one")["notes"] == [{"note_id": 1, "text": "one"}]
    assert second.save("t", "three") == {"note_id": 3}
    second.close()


def test_a_closed_store_is_unavailable_and_says_so() -> None:
    store = NotesStore()
    store.close()
    with pytest.raises(Exception, match="can't be reached"):
        store.search("t", "x")
