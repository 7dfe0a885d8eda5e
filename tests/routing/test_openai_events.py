"""Events that are read together say what each of them says by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routing.errors import BackendProtocolError
from routing.openai_answer import AnswerReader
from routing.openai_events import read_together
from tests.routing.openai_stub import call


def chunk(delta: object, more: dict[str, Any] | None = None, **choice: Any) -> dict[str, Any]:
    told = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **choice}
    return {"id": "c", "model": "m", "choices": [told], **(more or {})}


def written(event: object) -> bytes:
    return orjson.dumps(event)


def pieces(*texts: str, **choice: Any) -> list[bytes]:
    return [written(chunk({"content": text}, **choice)) for text in texts]


def texts_of(events: list[bytes]) -> list[Any]:
    told = read_together(events)
    assert told is not None
    return [event["choices"][0]["delta"].get("content") for event in told]


def test_pieces_of_text_that_came_together_are_told_as_one() -> None:
    role, end = written(chunk({"role": "assistant"})), written(chunk({}, finish_reason="stop"))
    assert texts_of([role, *pieces(*"abcdef"), end]) == [None, "abcdef", None]
    assert read_together(pieces(*"abcdefgh")) == [chunk({"content": "abcdefgh"})]


def test_the_envelope_is_told_as_it_is_written() -> None:
    for write in (json.dumps, lambda event: json.dumps(event, separators=(",", ":"))):
        events = [write(chunk({"content": text})).encode() for text in "abcdefgh"]
        assert texts_of(events) == ["abcdefgh"]


@pytest.mark.parametrize(
    "odd",
    [
        chunk({"content": "x"}, token_ids=[5]),
        chunk({"content": "x"}, logprobs={"content": [{"token": "x", "logprob": -1.0}]}),
        chunk({"content": "x", "tool_calls": [call(0, "", "f", "{")]}),
        chunk({"content": None}, logprobs={"content": "x"}),
        {**chunk({}), "choices": [chunk({"content": "x"})["choices"][0]] * 2},
        {"content": "x", **chunk({"content": "y"})},
    ],
)
def test_pieces_that_bring_more_than_text_stay_apart(odd: dict[str, Any]) -> None:
    assert read_together([written(odd)] * 9) == [odd] * 9


def test_text_that_looks_like_an_event_is_text() -> None:
    looks = ['"content":"x"', '","content":"', "\\", '\\"', "\n", "é\u2028🎈", '"}},{"', "", "."]
    assert texts_of(pieces(*looks)) == ["".join(looks)]


def test_a_piece_that_is_no_text_between_others_is_told_as_it_is() -> None:
    events = [*pieces("a", "b"), written(chunk({"content": None})), *pieces(*"cdefgh")]
    assert texts_of(events) == ["a", "b", None, *"cdefgh"]


def test_a_piece_whose_envelope_says_something_else_is_told_as_it_is() -> None:
    other = chunk({"content": "c"}, {"model": "n"})
    told = read_together([*pieces("a", "b"), written(other), *pieces(*"defgh")])
    assert told is not None
    assert told[2] == other


HEAD, TAIL = written(chunk({"content": ""})).split(b'""')


@pytest.mark.parametrize(
    "parts",
    [
        ('"a","b"', '"c"'),
        ('"a', 'b","c","d"'),
        ('"a', 'b"', '"c","d"'),
        ("1", "null"),
        ("", '"a","b"'),
        ("[]", "{}"),
        ('"a"\n', "\xff"),
    ],
)
def test_a_text_is_one_by_itself_and_not_for_what_stands_beside_it(parts: tuple[str, ...]) -> None:
    """Broken ones could make up a list of as many texts between them."""
    spoilt = [HEAD + part.encode("latin-1") + TAIL for part in parts]
    events = [*pieces("x"), *spoilt, *pieces(*"yzyzyzyz")]
    told = read_together(events)
    assert told is None or told == [orjson.loads(event) for event in events]


def test_an_event_that_is_broken_off_is_not_put_together_with_the_next() -> None:
    events = [*pieces(*"abcdef"), HEAD + b'"x",', b'"y"' + TAIL, *pieces("g")]
    assert read_together(events) is None


def test_a_line_break_in_an_event_is_a_blank_or_breaks_it() -> None:
    assert texts_of([HEAD + b'\n"x"\n' + TAIL, *pieces(*"abcdefgh")]) == ["xabcdefgh"]
    for broken in (HEAD + b'"x\ny"' + TAIL, b"\n".join(pieces("x", "y"))):
        assert read_together([broken, *pieces(*"abcdefgh")]) is None


def test_an_error_or_what_is_no_object_needs_a_look_of_its_own() -> None:
    for odd in (written({"error": {"message": "gone"}}), b"[1]", b"no JSON", b"{},{}"):
        assert read_together([*pieces(*"abcdefgh"), odd]) is None
    failed = [written(chunk({"content": text}, {"error": 1})) for text in "abcdefgh"]
    assert read_together(failed) is None


# Any stream, cut anywhere -------------------------------------------------------------------------------------

TEXTS = st.one_of(
    st.text(max_size=4), st.sampled_from(['"content":"x"', '","content":"', "\\", '\\"', "\n", '"'])
)
ODD: list[Any] = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": None}),
    chunk({"content": [{"type": "text", "text": "t"}]}),
    chunk({"content": 7}),
    chunk({"reasoning_content": "hm"}),
    chunk({"content": "a"}, {"model": "other"}),
    chunk({"content": "a"}, {"usage": {"prompt_tokens": 2, "completion_tokens": 1}}),
    chunk({"content": "a"}, {"usage": 7}),
    chunk({"content": "a"}, token_ids=[9]),
    chunk({"content": "a"}, token_ids="no list"),
    chunk({"content": "a"}, logprobs={"content": [{"token": "a", "logprob": -1.0}]}),
    chunk({"content": "a"}, index=1),
    chunk({"content": "a"}, finish_reason="length"),
    chunk({"content": "a", "tool_calls": []}),
    chunk({"tool_calls": [call(0, "abcdefghi", "f", '{"x"')]}),
    chunk({"tool_calls": [call(0, arguments=": 1}")]}),
    chunk({}, finish_reason="stop"),
    chunk("no object"),
    {"choices": []},
    {"choices": None, "usage": {"prompt_tokens": 3}},
    {"content": "x", **chunk({"content": "y"})},
    {"error": {"message": "gone"}},
    ["no object"],
]
ENVELOPES: list[Any] = [
    chunk({"content": "HERE"}),
    chunk({"content": "HERE"}, token_ids=None),
    chunk({"role": "assistant", "content": "HERE"}, {"usage": None}),
    chunk({"content": "HERE"}, {"content": "HERE"}),
    chunk({"content": "HERE"}, token_ids=[3]),
    chunk({"content": "HERE", "refusal": "HERE"}, index=False),
    {"meta": {"content": "HERE"}, **chunk({"content": "HERE"})},
    {"meta": {"content": "HERE"}, **chunk({"content": None})},
]


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Mostly pieces of one envelope, with whatever else between them, some of it spoilt."""
    write = draw(st.sampled_from([orjson.dumps, lambda event: json.dumps(event).encode()]))
    head, *more = write(draw(st.sampled_from(ENVELOPES))).split(b'"HERE"')
    piece = TEXTS.map(lambda text: json.dumps(text).encode().join((head, *more)))
    odd = st.sampled_from(ODD).map(write)
    spoilt = st.builds(
        lambda event, at, put: event[:at] + put + event[at + 1 :],
        piece,
        st.integers(0, 120),
        st.sampled_from([b"", b'"', b"\n", b",", b"\xff", b'","', head]),
    )
    events = st.lists(st.one_of(piece, piece, piece, piece, odd, spoilt), max_size=6)
    return [*draw(events), *draw(st.lists(piece, max_size=12)), *draw(events)]


def read(batches: Sequence[Sequence[bytes]], *, together: bool) -> tuple[Any, ...]:
    """What is said with each batch, and everything that a reader knows in the end, or where it stopped."""
    reader, said = AnswerReader(), list[str]()
    for batch in batches:
        told = read_together([*batch]) if together else None
        said.append("")
        try:
            for event in told or map(orjson.loads, batch):
                said[-1] += reader.feed(event)
        except (BackendProtocolError, orjson.JSONDecodeError) as error:
            return *said, str(error)
    calls = [(draft.index, draft.id, draft.name, draft.arguments) for draft in reader.drafts]
    more = reader.usage, reader.finish_reason, reader.model, reader.token_ids, reader.logprobs
    return *said, "".join(reader.text), "".join(reader.tail), calls, *more


@given(streams(), st.lists(st.integers(1, 20), max_size=3))
@example(pieces(*"abcdefgh"), [])
def test_any_stream_says_the_same_however_it_is_read(events: list[bytes], cuts: list[int]) -> None:
    batches: list[list[bytes]] = []
    for cut in cuts:
        batches.append(events[:cut])
        events = events[cut:]
    batches = [batch for batch in (*batches, events) if batch]
    assert read(batches, together=True) == read(batches, together=False)
