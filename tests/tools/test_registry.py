"""What the registry keeps beside its snapshots: they are made once for a change, and an index grows."""

from __future__ import annotations

from typing import Any

import pytest

from tools.errors import NameTaken, UnknownTool
from tools.registry import Registry
from tools.spec import ToolSpec


def spec(name: str, description: str = "") -> ToolSpec:
    return ToolSpec(name, description, {"type": "object", "properties": {}})


@pytest.fixture
def registry(recorder: Any) -> Registry:
    registry = Registry()
    for name in ("alpha", "beta", "gamma"):
        registry.register(spec(name, f"About {name}"), recorder(name))
    return registry


def test_a_snapshot_is_the_same_until_something_changes(registry: Registry, recorder: Any) -> None:
    before = registry.snapshot()
    assert registry.snapshot() is before
    registry.register(spec("delta"), recorder(1))
    assert [each.name for each in before.specs] == ["alpha", "beta", "gamma"]
    assert [each.name for each in registry.snapshot().specs] == ["alpha", "beta", "gamma", "delta"]


def test_a_replaced_tool_keeps_its_place(registry: Registry, recorder: Any) -> None:
    registry.register(spec("beta", "About delta"), recorder(1), replace=True)
    assert [each.name for each in registry.snapshot().specs] == ["alpha", "beta", "gamma"]
    assert list(registry.index.ranked("delta")) == ["beta"]


def test_a_removed_name_is_free_again_and_found_no_more(registry: Registry, recorder: Any) -> None:
    registry.remove("beta")
    assert list(registry.index.ranked("beta")) == []
    with pytest.raises(UnknownTool, match="beta"):
        registry.remove("beta")
    registry.register(spec("BETA"), recorder(1))
    assert [each.name for each in registry.snapshot().specs] == ["alpha", "gamma", "BETA"]


def test_a_refused_tool_leaves_nothing_behind(registry: Registry, recorder: Any) -> None:
    before = registry.snapshot()
    with pytest.raises(NameTaken):
        registry.register(spec("Beta", "About delta"), recorder(1), replace=True)
    assert registry.snapshot() is before
    assert list(registry.index.ranked("delta")) == []
