"""Versions of tools: never changed, chosen by number, alias or share, and rolled back in one step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tools.errors import RegistrationError, UnknownTool
from tools.executor import CallContext
from tools.registry import Registry
from tools.spec import ToolSpec, ValidCall
from tools.toolset import Toolset
from tools.versions import KEPT, Canary, History

MakeSpec = Callable[..., ToolSpec]


class Says:
    """Tells which one it is."""

    def __init__(self, word: str) -> None:
        self._word = word

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        return self._word


@pytest.fixture
def registry(make_spec: MakeSpec) -> Registry:
    """`probe` at three versions, the third is current; `other` stands before it."""
    made = Registry()
    made.register(make_spec("other"), Says("other"))
    for word in ("one", "two", "three"):
        have(made, make_spec(description=word), word)
    return made


def have(registry: Registry, spec: ToolSpec, word: str) -> None:
    """As an author registers it."""
    entry = registry.compiled(spec, Says(word))
    registry.put(registry.grown(entry, {"says": word}, replace=True))


def revise(registry: Registry, change: Callable[[History], History]) -> None:
    registry.put(change(registry.history("probe")))


async def said(toolset: Toolset, make_call: Any) -> str:
    checked = toolset.check(make_call("probe"))
    assert isinstance(checked, ValidCall)
    return (await toolset.execute(checked, CallContext())).content


async def test_each_reference_calls_its_version(registry: Registry, make_call: Any) -> None:
    revise(registry, lambda history: history.with_alias(2, "stable"))
    for reference, word in {
        "probe": "three",
        "probe@1": "one",
        "probe@stable": "two",
        "probe@3": "three",
    }.items():
        assert await said(registry.offered([reference], "r"), make_call) == word
        assert await said(registry.offered(["*", reference], "r"), make_call) == word
        assert await said(registry.pinned(reference), make_call) == word
        offered = registry.offered([reference], "r")
        assert [spec.name for spec in offered.specs] == ["probe"]


@pytest.mark.parametrize("reference", ["probe@4", "probe@0", "probe@stable", "probe@", "nobody@1"])
def test_a_version_that_is_not_there_is_told(registry: Registry, reference: str) -> None:
    if reference == "probe@":
        assert registry.pinned(reference).get("probe").version == 3
        return
    with pytest.raises(UnknownTool):
        registry.offered([reference], "r")


async def test_rolling_back_is_one_step_and_begun_runs_keep_what_they_have(
    registry: Registry, make_call: Any
) -> None:
    begun = registry.offered(["*"], "r")
    revise(registry, lambda history: history.with_current(1))
    assert await said(registry.snapshot(), make_call) == "one"
    assert await said(begun, make_call) == "three"
    assert [spec.name for spec in registry.snapshot().specs] == ["other", "probe"]


def test_the_same_definition_is_the_same_version(registry: Registry, make_spec: MakeSpec) -> None:
    have(registry, make_spec(description="one"), "one")
    history = registry.history("probe")
    assert (history.current, list(history.versions)) == (1, [1, 2, 3])
    have(registry, make_spec(description="one"), "another")
    assert registry.history("probe").current == 4  # it does the same in words only


def test_a_canary_is_tried_by_its_share_of_the_runs_and_a_run_never_changes(
    registry: Registry,
) -> None:
    revise(registry, lambda history: history.with_canary(2, 0.25))
    runs = [f"run-{number}" for number in range(2_000)]
    versions = [registry.offered(["*"], run).get("probe").version for run in runs]
    assert set(versions) == {2, 3}
    assert 400 < versions.count(2) < 600  # 500 expected, ±5 standard deviations
    assert versions == [registry.offered(["probe"], run).get("probe").version for run in runs]
    assert registry.offered(["probe@1"], runs[0]).get("probe").version == 1
    revise(registry, lambda history: history.with_current(2))
    assert registry.history("probe").canary is None
    assert {registry.offered(["*"], run).get("probe").version for run in runs} == {2}


def test_the_share_is_exact_at_its_ends() -> None:
    assert not any(Canary(1, 0).takes("probe", str(run)) for run in range(100))
    assert all(Canary(1, 1).takes("probe", str(run)) for run in range(100))


def test_a_change_that_is_not_possible_changes_nothing(registry: Registry) -> None:
    before = registry.history("probe")
    with pytest.raises(UnknownTool):
        revise(registry, lambda history: history.with_alias(1, "a").with_current(9))
    with pytest.raises(RegistrationError):
        revise(registry, lambda history: history.with_canary(3, 0.5))
    assert registry.history("probe") is before


def test_the_oldest_versions_that_nothing_names_are_let_go(make_spec: MakeSpec) -> None:
    registry = Registry()
    for number in range(1, KEPT + 6):
        have(registry, make_spec(), str(number))
        if number == 2:
            revise(registry, lambda history: history.with_alias(2, "stable"))
    assert list(registry.history("probe").versions) == [2, *range(7, KEPT + 6)]


def test_a_removed_tool_has_no_past(registry: Registry, make_spec: MakeSpec) -> None:
    revise(registry, lambda history: history.with_canary(1, 1.0))
    registry.remove("probe")
    with pytest.raises(UnknownTool):
        registry.history("probe")
    assert [spec.name for spec in registry.offered(["*"], "r").specs] == ["other"]
    registry.register(make_spec(description="new"), Says("new"))
    assert registry.get("probe").version == 1
