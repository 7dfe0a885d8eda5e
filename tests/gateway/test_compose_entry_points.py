"""Entry points of installed packages as tools: those that are named, and no other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.compose import CompositionError
from gateway.compose.entry_points import register_entry_points
from gateway.compose.isolation import Isolating
from tools.registry import Registry

MODULE = '''
from tools.executors.function import tool

@tool(read_only=True)
def stock(article: str) -> str:
    """Tell the stock."""
    return article

@tool()
def order(article: str) -> str:
    """Order more."""
    return article

nothing = 1
'''
OFFERED = """[gateway.tools]
shop = made_shop
shop_order = made_shop:order
shop_broken = made_missing
shop_nothing = made_shop:nothing
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "made_shop.py").write_text(MODULE)
    folder = tmp_path / "made_shop-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: made-shop\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(OFFERED)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("made_shop", None)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ([], []),
        (["shop"], ["stock", "order"]),
        (["shop_o*"], ["order"]),
        (["shop_order", "shop_o*"], ["order"]),
    ],
)
def test_what_is_named_is_registered(wanted: list[str], names: list[str]) -> None:
    registry = Registry()
    register_entry_points(registry, wanted, Isolating(()))
    assert [spec.name for spec in registry.snapshot().specs] == names
    assert ("made_shop" in sys.modules) is bool(wanted)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("shp", "no installed package offers shp"),
        ("shop_broken", "made_missing can't be loaded"),
        ("shop_nothing", "no function marked with @tool"),
        ("*", "shop"),
    ],
)
def test_what_can_not_be_had_is_told_with_its_name(wanted: str, told: str) -> None:
    with pytest.raises(CompositionError, match=told):
        register_entry_points(Registry(), [wanted], Isolating(()))
