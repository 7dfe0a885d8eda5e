from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from gateway.cli import commands
from gateway.cli.evaluate import read_requests
from gateway.cli.exits import CommandError
from routing.backends.scripted import Call, Say
from tools.builtin import tools

from .conftest import Serve

cli = CliRunner()

REQUESTS = """
- {id: a, lang: en, request: "6 times 7?", expect: [{name: calculate, arguments: {expression: "7 * 6"}}]}
- {id: b, lang: zh, request: "你好", expect: []}
- id: c
  lang: en
  request: "1 + 1?"
  any_of: [[], [{name: calculate, arguments: {expression: "1 + 1"}}]]
"""

ANSWERS = [
    Call("calculate", {"expression": "6 * 7"}),
    "42.",
    Call("calculate", {"expression": "1 + 1"}),
    "Hello.",
    "Two.",
]


def written(folder: Path, text: str = REQUESTS) -> str:
    path = folder / "requests.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_score_is_the_share_of_requests_that_end_in_the_right_calls(
    serve: Serve, tmp_path: Path
) -> None:
    done = cli.invoke(commands(), ["eval", written(tmp_path), "--url", serve(*ANSWERS)])
    assert done.exit_code == 0, done.output
    assert "score: 2 of 3 right (67%)" in done.output
    assert "en: 2 of 2 right" in done.output
    assert "zh: 0 of 1 right" in done.output


def test_a_score_below_the_least_is_an_exit_code(serve: Serve, tmp_path: Path) -> None:
    file = written(tmp_path)
    low = cli.invoke(commands(), ["eval", file, "--min", "0.7", "--url", serve(*ANSWERS)])
    enough = cli.invoke(commands(), ["eval", file, "--min", "0.6", "--url", serve(*ANSWERS)])
    assert (low.exit_code, enough.exit_code) == (1, 0)


def test_beside_it_stands_how_many_answers_tell_what_their_calls_brought(
    serve: Serve, tmp_path: Path
) -> None:
    answers = [*ANSWERS[:3], "Hello: three.", "Two."]
    file = written(tmp_path)
    done = cli.invoke(commands(), ["eval", file, "--url", serve(*answers)])
    assert "told: 1 of 2 answers tell what their calls brought (50%)" in done.output
    assert done.output.count("not told in the answer") == 1
    low = cli.invoke(commands(), ["eval", file, "--min-told", "0.6", "--url", serve(*answers)])
    enough = cli.invoke(commands(), ["eval", file, "--min-told", "0.5", "--url", serve(*answers)])
    assert (low.exit_code, enough.exit_code) == (1, 0)
    as_json = cli.invoke(commands(), ["eval", file, "--json", "--url", serve(*answers)])
    read = json.loads(as_json.stdout)
    assert read["told"] == 0.5
    assert [one["told"] for one in read["requests"]] == [True, False, None]


def test_what_was_looked_up_on_the_way_need_not_be_told(serve: Serve, tmp_path: Path) -> None:
    looked = [
        Call("calculate", {"expression": "1 + 1"}),
        Call("calculate", {"expression": "6 * 7"}),
    ]
    url = serve(*looked, "It is 42.", [*looked], "It is 42.", "Two.")
    done = cli.invoke(commands(), ["eval", written(tmp_path), "--url", url])
    assert "told: 1 of 2 answers" in done.output, "two calls in one step are both to be told"


def test_an_answer_that_was_cut_tells_nothing(serve: Serve, tmp_path: Path) -> None:
    url = serve(ANSWERS[0], Say("It is 42, it is", finish_reason="length"), *ANSWERS[2:])
    done = cli.invoke(commands(), ["eval", written(tmp_path), "--url", url])
    assert "told: 0 of 2 answers" in done.output


def test_json_names_each_request_with_its_calls(serve: Serve, tmp_path: Path) -> None:
    done = cli.invoke(commands(), ["eval", written(tmp_path), "--json", "--url", serve(*ANSWERS)])
    told = json.loads(done.stdout)
    assert [one["right"] for one in told["requests"]] == [True, False, True]
    assert told["requests"][0]["calls"] == [
        {"name": "calculate", "arguments": {"expression": "6 * 7"}}
    ]


def test_an_error_is_a_wrong_answer_and_not_the_end(serve: Serve, tmp_path: Path) -> None:
    done = cli.invoke(
        commands(), ["eval", written(tmp_path), "--model", "expert", "--url", serve(*ANSWERS)]
    )
    assert done.exit_code == 0
    assert "score: 0 of 3" in done.output
    assert "no model 'expert' here" in done.output


PREPARED = """
- id: a
  request: "And what was six times seven?"
  before:
    - {name: calculate, arguments: {expression: "6 * 7"}}
    - {name: calculate, arguments: {expression: "%s"}}
  expect: []
"""


def test_calls_before_a_request_are_made_and_are_not_counted(
    serve: Serve, tmp_path: Path, calculated: list[str]
) -> None:
    file = written(tmp_path, PREPARED % "1 + 1")
    done = cli.invoke(commands(), ["eval", file, "--url", serve("42.")])
    assert "score: 1 of 1" in done.output
    assert calculated == ["6 * 7", "1 + 1"]


def test_a_call_before_a_request_that_fails_ends_the_eval_and_is_named(
    serve: Serve, tmp_path: Path
) -> None:
    file = written(tmp_path, PREPARED % "1 / 0")
    done = cli.invoke(commands(), ["eval", file, "--url", serve("42.")])
    assert done.exit_code == 1
    assert "a: before: calculate" in done.output
    unknown = cli.invoke(
        commands(),
        ["eval", written(tmp_path, PREPARED.replace("calculate", "nothing")), "--url", serve("4")],
    )
    assert "a: before: nothing" in unknown.output


@pytest.mark.parametrize(
    "text", ["", "a: 1", "- {id: a}", "- 3", "- {id: a, request: x, expect: 5}"]
)
def test_a_file_that_is_no_list_of_requests_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"requests\.yaml"):
        read_requests(Path(written(tmp_path, text)))


def test_the_fifty_requests_are_fifty_and_can_be_read() -> None:
    requests = read_requests(Path(__file__).parents[2] / "eval" / "requests.yaml")
    assert len(requests) == 50
    assert len({request.id for request in requests}) == 50
    assert {request.lang for request in requests} == {"en", "zh"}


def test_the_sixty_fresh_requests_can_be_read_and_expect_calls_that_their_tools_take() -> None:
    requests = read_requests(Path(__file__).parents[2] / "eval" / "fresh.yaml")
    assert len({request.id for request in requests}) == len(requests) == 60
    assert [request.lang for request in requests].count("en") == 40
    assert [request.lang for request in requests].count("zh") == 20
    parameters = {spec.name: dict(spec.parameters) for spec, _ in tools()}
    for request in requests:
        for call in (call for way in request.alternatives for call in way):
            Draft202012Validator(parameters[call["name"]]).validate(call["arguments"])
