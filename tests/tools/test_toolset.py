"""The registry and its snapshots: names, checking, running. Numbers are those of the hard cases."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from mistral_common.protocol.instruct.tool_calls import ToolCall

from tools.dry_run import DryRun
from tools.errors import (
    NameTaken,
    RegistrationError,
    ToolFailed,
    ToolTimeout,
    ToolUnavailable,
    UnknownTool,
)
from tools.executor import CallContext, Executor
from tools.files import FileContent
from tools.registry import Registry
from tools.spec import Effect, Failure, InvalidCall, Problem, ToolSpec, ValidCall
from tools.toolset import Toolset

MakeSpec = Callable[..., ToolSpec]
MakeCall = Callable[..., ToolCall]
CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}


def plain(executor: Executor, spec: ToolSpec, upstream: object) -> Executor:
    return executor


@pytest.fixture
def registry(make_spec: MakeSpec, recorder: Any) -> Registry:
    registry = Registry(plain)
    registry.register(make_spec("get_weather", CITY, read_only=True), recorder("sunny"))
    registry.register(make_spec("send_mail"), recorder({"sent": True}))
    return registry


@pytest.mark.parametrize("name", ["x" * 65, "", "math.gcd", "two words", "wetter\n", "天气", "a/b"])
def test_a_name_that_engines_can_not_spell_is_refused(
    registry: Registry, make_spec: MakeSpec, recorder: Any, name: str
) -> None:
    with pytest.raises(RegistrationError) as caught:
        registry.register(make_spec(name), recorder(1))
    assert caught.value.where == "$.name"


@pytest.mark.parametrize("name", ["get_weather", "get-weather", "GET_Weather"])
def test_a_name_that_collides_after_normalising_is_refused(
    registry: Registry, make_spec: MakeSpec, recorder: Any, name: str
) -> None:
    with pytest.raises(NameTaken):
        registry.register(make_spec(name), recorder(1))
    assert len(registry.snapshot()) == 2


def test_replacing_keeps_the_place_and_older_snapshots_keep_the_old_tool(
    registry: Registry, make_spec: MakeSpec, recorder: Any
) -> None:
    before = registry.snapshot()
    registry.register(make_spec("get_weather", description="New."), recorder(1), replace=True)
    assert [spec.name for spec in registry.snapshot().specs] == ["get_weather", "send_mail"]
    assert registry.get("get_weather").description == "New."
    assert before.get("get_weather").description == "A probe."


def test_a_removed_tool_is_unknown_and_its_name_is_free_again(
    registry: Registry, make_spec: MakeSpec, recorder: Any
) -> None:
    registry.remove("get_weather")
    with pytest.raises(UnknownTool):
        registry.remove("get_weather")
    registry.register(make_spec("get-weather"), recorder(1))


def test_concurrent_registration_loses_nothing_while_readers_see_whole_sets(
    make_spec: MakeSpec, recorder: Any
) -> None:
    registry = Registry(plain)
    start = threading.Barrier(8)
    torn: list[int] = []

    def work(worker: int) -> None:
        start.wait()
        for i in range(20):
            registry.register(make_spec(f"t{worker}_{i}"), recorder(1))
            view = registry.snapshot()
            if len(view.specs) != len(view) or len(view.tools()) != len(view):
                torn.append(worker)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not torn
    assert {spec.name for spec in registry.snapshot().specs} == {
        f"t{w}_{i}" for w in range(8) for i in range(20)
    }


def test_select_takes_globs_and_keeps_the_order(registry: Registry) -> None:
    view = registry.snapshot()
    assert [s.name for s in view.select(["send*", "get_*"]).specs] == ["get_weather", "send_mail"]
    assert view.select([]).specs == ()
    assert [s.name for s in view.without(lambda spec: spec.name == "send_mail").specs] == [
        "get_weather"
    ]


def test_client_tools_are_checked_here_and_never_run_here(
    registry: Registry, make_spec: MakeSpec, make_call: MakeCall
) -> None:
    view = registry.snapshot().with_client([make_spec("book_table", CITY)])
    assert view.is_client("book_table")
    assert not view.is_client("get_weather")
    assert not view.is_client("nothing")
    assert isinstance(view.check(make_call("book_table")), InvalidCall)
    good = view.check(make_call("book_table", {"city": "Paris"}))
    assert isinstance(good, ValidCall)
    with pytest.raises(UnknownTool):
        asyncio.run(view.execute(good, CallContext()))
    assert "book_table" not in registry.snapshot()


def test_equal_client_tools_are_compiled_once(
    make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []
    real = __import__("tools.toolset", fromlist=["compile_entry"]).compile_entry

    def counting(spec: ToolSpec, *rest: Any) -> Any:
        compiled.append(spec.name)
        return real(spec, *rest)

    monkeypatch.setattr("tools.toolset.compile_entry", counting)
    for _ in range(3):
        Toolset().with_client([make_spec("seen_once_only", json.loads(json.dumps(CITY)))])
    assert compiled == ["seen_once_only"]


def test_requests_that_bring_equal_tools_share_one_toolset(make_spec: MakeSpec) -> None:
    def brought(*names: str, **changed: Any) -> Toolset:
        own = [make_spec(name, json.loads(json.dumps(CITY)), **changed) for name in names]
        return Toolset().with_client(own)

    first = brought("shared_a", "shared_b")
    assert brought("shared_a", "shared_b") is first
    others = [
        brought("shared_b", "shared_a"),
        brought("shared_a"),
        brought("shared_a", "shared_b", description="Another."),
        brought("shared_a", "shared_b", timeout_s=1.0),
        brought("shared_a", "shared_b", read_only=True),
    ]
    assert first not in others
    assert [spec.name for spec in others[0].specs] == ["shared_b", "shared_a"]
    assert others[2].get("shared_a").description == "Another."
    assert others[4].get("shared_a").effect is Effect.READ


def test_tools_that_are_refused_are_refused_again(make_spec: MakeSpec) -> None:
    for _ in range(2):
        with pytest.raises(NameTaken) as caught:
            Toolset().with_client([make_spec("twice_over"), make_spec("Twice-Over")])
        assert caught.value.where == "tools[1].name"


def test_a_clash_with_a_registered_tool_is_seen_however_often_the_tools_were_brought_alone(
    registry: Registry, make_spec: MakeSpec
) -> None:
    Toolset().with_client([make_spec("fine"), make_spec("get-weather")])
    for _ in range(2):
        with pytest.raises(NameTaken) as caught:
            registry.snapshot().with_client([make_spec("fine"), make_spec("get-weather")])
        assert caught.value.where == "tools[1].name"


def test_a_calls_context_is_the_turns_but_for_its_key(make_spec: MakeSpec) -> None:
    async def keep(content: FileContent) -> str | None:
        return content.name

    turn = CallContext("run_1", "acme", "run_1:2", 7.0, 2, 500, keep, DryRun("all"))
    own = turn.of_call(ValidCall("abcdefghi", make_spec(), {}))
    assert own == replace(turn, idempotency_key="run_1:2:abcdefghi")


def test_a_bad_client_tool_is_named_by_its_index(registry: Registry, make_spec: MakeSpec) -> None:
    bad = make_spec("b", {"type": "object", "properties": {"x": {"type": "strnig"}}})
    with pytest.raises(RegistrationError) as caught:
        registry.snapshot().with_client([make_spec("a"), bad])
    assert caught.value.where == "tools[1].parameters.properties.x.type"


@pytest.mark.parametrize("names", [["get_weather"], ["Get-Weather"], ["a_b", "a-b"], ["a", "a"]])
def test_a_client_tool_that_clashes_is_refused(
    registry: Registry, make_spec: MakeSpec, names: list[str]
) -> None:
    with pytest.raises(NameTaken) as caught:
        registry.snapshot().with_client([make_spec(name) for name in names])
    assert caught.value.where == f"tools[{len(names) - 1}].name"


def test_5_an_unknown_tool_is_answered_with_near_names_best_first(
    registry: Registry, make_call: MakeCall
) -> None:
    checked = registry.check(make_call("get_wether", {"city": "Paris"}))
    assert isinstance(checked, InvalidCall)
    assert checked.problem is Problem.UNKNOWN_TOOL
    assert checked.near == ("get_weather",)
    assert "'get_weather'" in checked.message


def test_5_an_unknown_tool_that_resembles_nothing_is_answered_with_what_there_is(
    registry: Registry, make_call: MakeCall
) -> None:
    checked = registry.check(make_call("zzz" * 10_000))
    assert isinstance(checked, InvalidCall)
    assert "get_weather, send_mail" in checked.message
    assert len(checked.message) < 500


def test_7_missing_arguments_leave_it_to_required(registry: Registry, make_call: MakeCall) -> None:
    checked = registry.check(make_call("get_weather", ""))
    assert isinstance(checked, InvalidCall)
    assert checked.problem is Problem.SCHEMA
    assert "missing 'city'" in checked.message
    assert isinstance(registry.check(make_call("send_mail", "null")), ValidCall)


def test_8_a_lossless_coercion_makes_the_call_valid_and_is_recorded(
    registry: Registry, make_call: MakeCall
) -> None:
    checked = registry.check(make_call("get_weather", {"city": "Paris", "days": "5"}))
    assert isinstance(checked, ValidCall)
    assert checked.arguments == {"city": "Paris", "days": 5}
    assert checked.repairs == ("$.days: string '5' read as integer 5",)
    refused = registry.check(make_call("get_weather", {"city": "Paris", "days": "5 years"}))
    assert isinstance(refused, InvalidCall)
    assert refused.path == "$.days"


def test_8_a_whole_number_with_a_fraction_is_valid_and_given_to_the_tool_as_an_integer(
    registry: Registry, make_call: MakeCall
) -> None:
    checked = registry.check(make_call("get_weather", '{"city": "Paris", "days": 5.0}'))
    assert isinstance(checked, ValidCall)
    assert isinstance(checked.arguments["days"], int)
    assert checked.repairs == ("$.days: number 5.0 read as integer 5",)


def test_8_what_is_valid_as_it_stands_is_left_alone(
    make_spec: MakeSpec, make_call: MakeCall
) -> None:
    either = {"anyOf": [{"type": "integer"}, {"enum": ["5"]}]}
    toolset = Toolset({}).with_client(
        [make_spec("pick", {"type": "object", "properties": {"v": either}})]
    )
    checked = toolset.check(make_call("pick", {"v": "5"}))
    assert isinstance(checked, ValidCall)
    assert (checked.arguments, checked.repairs) == ({"v": "5"}, ())


def test_10_an_extra_argument_is_judged_by_the_registered_schema(
    registry: Registry, make_call: MakeCall
) -> None:
    checked = registry.check(make_call("get_weather", {"city": "Paris", "unit": "C"}))
    assert isinstance(checked, InvalidCall)
    assert checked.message == "unknown property 'unit'; allowed are: city (string), days (integer)"


async def test_11_three_calls_one_invalid_keep_their_ids_and_their_order(
    registry: Registry, make_call: MakeCall
) -> None:
    calls = [
        make_call("get_weather", {"city": "Paris"}, "aaaaaaaaa"),
        make_call("get_weather", {"town": "Rome"}, "bbbbbbbbb"),
        make_call("send_mail", {}, "ccccccccc"),
    ]
    checked = [registry.check(call) for call in calls]
    assert [each.id for each in checked] == ["aaaaaaaaa", "bbbbbbbbb", "ccccccccc"]
    assert [isinstance(each, ValidCall) for each in checked] == [True, False, True]
    results = await asyncio.gather(
        *(registry.execute(each, CallContext()) for each in checked if isinstance(each, ValidCall))
    )
    assert [(r.call_id, r.content) for r in results] == [
        ("aaaaaaaaa", "sunny"),
        ("ccccccccc", '{"sent":true}'),
    ]


async def run(executor: Any, spec: ToolSpec, make_call: MakeCall) -> Any:
    registry = Registry(plain)
    registry.register(spec, executor)
    call = registry.check(make_call(spec.name))
    assert isinstance(call, ValidCall)
    return await registry.execute(call, CallContext())


@pytest.mark.parametrize(
    ("error", "hints", "failure"),
    [
        (ToolFailed("no such city"), {"read_only": True}, Failure.TOOL),
        (ToolTimeout("late"), {"read_only": True}, Failure.TIMEOUT),
        (ToolTimeout("late"), {}, Failure.UNKNOWN_OUTCOME),
        (ToolTimeout("late", sent=False), {}, Failure.TIMEOUT),
        (ToolUnavailable("gone"), {"read_only": True}, Failure.UNAVAILABLE),
        (ToolUnavailable("gone"), {"destructive": True}, Failure.UNKNOWN_OUTCOME),
        (ToolUnavailable("gone", sent=False), {}, Failure.UNAVAILABLE),
    ],
)
async def test_a_failing_tool_is_a_result_that_the_model_reads(  # noqa: PLR0917  # one for each column
    make_spec: MakeSpec,
    make_call: MakeCall,
    recorder: Any,
    error: Exception,
    hints: dict[str, bool],
    failure: Failure,
) -> None:
    result = await run(recorder(error), make_spec(**hints), make_call)
    assert result.failure is failure
    said = json.loads(result.content)["error"]
    assert said.startswith(str(error))
    assert ("the outcome is unknown" in said) == (failure is Failure.UNKNOWN_OUTCOME)


@pytest.mark.parametrize(
    "answer", [ZeroDivisionError("/secret/path"), object(), {"x": {1, 2}}, float]
)
async def test_a_tools_own_bug_is_logged_with_its_traceback_and_tells_the_model_nothing(
    make_spec: MakeSpec,
    make_call: MakeCall,
    recorder: Any,
    answer: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        result = await run(recorder(answer), make_spec(), make_call)
    assert result.failure is Failure.TOOL
    assert json.loads(result.content) == {
        "error": "probe failed unexpectedly; the error was logged"
    }
    assert caplog.records[0].exc_info is not None


async def test_cancellation_goes_through(
    make_spec: MakeSpec, make_call: MakeCall, recorder: Any
) -> None:
    with pytest.raises(asyncio.CancelledError):
        await run(recorder(asyncio.CancelledError()), make_spec(), make_call)


@pytest.mark.parametrize(
    ("value", "content"),
    [("plain", "plain"), ({"a": [1, None]}, '{"a":[1,null]}'), (None, "null"), ("", ""), (3, "3")],
)
async def test_text_is_read_as_it_is_and_data_as_compact_json(
    make_spec: MakeSpec, make_call: MakeCall, recorder: Any, value: Any, content: str
) -> None:
    assert (await run(recorder(value), make_spec(), make_call)).content == content


async def test_20_by_default_a_result_of_a_megabyte_is_bounded_and_explained(
    make_spec: MakeSpec, make_call: MakeCall, recorder: Any
) -> None:
    registry = Registry()
    registry.register(make_spec(read_only=True), recorder("x" * 1_000_000))
    call = registry.check(make_call("probe"))
    assert isinstance(call, ValidCall)
    result = await registry.execute(call, CallContext())
    assert len(result.content) < 20_200
    assert result.truncated_from == 1_000_000
    assert "the first 20000 of 1000000 characters" in result.content
