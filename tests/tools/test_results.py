"""Long results: kept whole for one run, previewed, and read on by place, path or search."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.errors import ToolFailed
from tools.executor import CallContext
from tools.results import PIECE, PREVIEW, READ_RESULT, KeptResults
from tools.spec import Annotations, ToolResult, ToolSpec, ValidCall
from tools.toolset import Toolset
from tools.wrappers import Cache, Truncate

ROWS = [{"id": number, "name": f"name {number}", "price": 10**20 + number} for number in range(900)]
TEXT = json.dumps(ROWS)


def result(content: str) -> ToolResult:
    return ToolResult("abcdefghi", "rows", content)


async def read(kept: KeptResults, **arguments: Any) -> str:
    call = ValidCall("abcdefghj", READ_RESULT, {"handle": "r1", **arguments})
    executor = kept.reader().executor
    assert executor is not None
    return await executor.execute(call, CallContext())


@pytest.fixture
def kept() -> KeptResults:
    made = KeptResults()
    made.preview(result(TEXT))
    return made


def test_a_preview_tells_what_it_is_and_how_to_read_on() -> None:
    shown = KeptResults().preview(result(TEXT))
    head, _, rest = shown.content.partition("\n")
    assert f"result r1: {len(TEXT)} characters, JSON: an array of 900" in head
    assert "the keys id, name, price" in head
    assert rest.startswith(TEXT[:PREVIEW])
    assert shown.truncated_from == len(TEXT)
    assert len(shown.content) < PREVIEW + 500


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        ("{" * 5_000, "text of 1 lines"),
        ("[" * 100_000 + "]" * 100_000, "text of 1 lines"),
        ("a\nb\n" * 5_000, "text of 10001 lines"),
        (json.dumps({"a": "x" * 5_000}), "JSON: an object with the keys a"),
    ],
)
def test_a_preview_of_anything_can_be_made(content: str, shape: str) -> None:
    assert shape in KeptResults().preview(result(content)).content


async def test_pieces_in_a_row_are_the_whole_of_it(kept: KeptResults) -> None:
    pieces: list[str] = []
    while (start := sum(map(len, pieces))) < len(TEXT):
        head, _, piece = (await read(kept, start=start)).partition("\n")
        assert head == f"[r1, characters {start} to {start + len(piece)} of {len(TEXT)}]"
        assert len(piece) <= PIECE
        pieces.append(piece)
    assert "".join(pieces) == TEXT


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$[3].name", ROWS[3]["name"]),
        ("[-1]['price']", ROWS[-1]["price"]),  # beyond 64 bits, exactly
        ("$[2:4]", ROWS[2:4]),
        ("$[898:]", ROWS[898:]),
    ],
)
async def test_a_path_gives_what_stands_there(kept: KeptResults, path: str, value: Any) -> None:
    piece = (await read(kept, path=path)).partition("\n")[2]
    assert piece == (value if isinstance(value, str) else json.dumps(value, separators=(",", ":")))


async def test_a_search_gives_the_places_whatever_the_case(kept: KeptResults) -> None:
    found = await read(kept, search="NAME 77")
    assert found.startswith("[r1: 11 places, the first 10]")
    place = TEXT.index("name 77")
    assert f"at {place}: …" in found
    later = await read(kept, search="name 77", start=place + 1)
    assert later.startswith("[r1: 10 places")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"handle": "r2"}, "this run has no result 'r2'; there are: r1"),
        ({"start": len(TEXT)}, f"r1 has {len(TEXT)} characters"),
        ({"path": "$[900]"}, r"\$ has 900 items"),
        ({"path": "$[0].nme"}, r"\$\[0\] has no 'nme'; it has the keys id, name, price"),
        ({"path": "$.rows"}, r"\$ is no object but an array of 900"),
        ({"path": "$[0][0]"}, r"\$\[0\] is no array but an object"),
        ({"path": "$..price"}, "is no step of a path"),
        ({"search": "(a+)+$"}, "does not stand in r1"),
    ],
)
async def test_what_is_not_there_is_told_with_what_is(
    kept: KeptResults, asked: dict[str, Any], told: str
) -> None:
    with pytest.raises(ToolFailed, match=told):
        await read(kept, **asked)


async def test_the_same_text_has_one_handle_and_another_run_has_none(kept: KeptResults) -> None:
    assert "result r1:" in kept.preview(result(TEXT)).content
    assert "result r2:" in kept.preview(result(TEXT + " ")).content
    with pytest.raises(ToolFailed, match="there are: none"):
        await read(KeptResults())


async def test_the_oldest_are_let_go_when_a_run_keeps_too_much(kept: KeptResults) -> None:
    for number in range(10):
        kept.preview(result(str(number) * 1_000_000))
    with pytest.raises(ToolFailed, match="there are: r2"):
        await read(kept)


class Brings:
    """A tool whose results are long, counted."""

    def __init__(self) -> None:
        self.calls = 0

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        self.calls += 1
        return "x" * 50_000


async def test_only_a_read_for_a_caller_that_keeps_it_is_as_long_as_it_is() -> None:
    read_only, write = (
        ValidCall("abcdefghi", ToolSpec("t", "", {}, annotations=Annotations(read_only=reads)), {})
        for reads in (True, False)
    )
    keeping = CallContext(keeps=40_000)
    assert len((await Truncate(Brings()).execute(read_only, keeping)).value) // 1_000 == 40
    assert len((await Truncate(Brings()).execute(write, keeping)).value) // 1_000 == 20
    assert len((await Truncate(Brings()).execute(read_only, CallContext())).value) // 1_000 == 20


async def test_what_is_remembered_is_never_longer_than_a_model_is_shown() -> None:
    call = ValidCall(
        "abcdefghi", ToolSpec("t", "", {}, annotations=Annotations(read_only=True)), {}
    )
    brings = Brings()
    cached = Cache(Truncate(brings), 60)
    for context, calls in (
        (CallContext(keeps=100_000), 1),
        (CallContext(keeps=100_000), 2),  # too long to be remembered
        (CallContext(), 3),
        (CallContext(), 3),
    ):
        answer = await cached.execute(call, context)
        assert (len(answer.value) == 50_000) is (context.keeps is not None)
        assert brings.calls == calls


def test_the_reader_takes_what_its_schema_says(make_call: Any) -> None:
    toolset = Toolset({"read_result": KeptResults().reader()})
    assert isinstance(
        toolset.check(make_call("read_result", {"handle": "r1", "start": 5})), ValidCall
    )
    assert not isinstance(toolset.check(make_call("read_result", {"start": 5})), ValidCall)
