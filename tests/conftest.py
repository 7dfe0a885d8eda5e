"""Which tests run: those against real vLLM only when asked for."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--with-vllm",
        action="store_true",
        help="also run the tests against a real vLLM server (scripts/vllm install makes one)",
    )
    parser.addoption(
        "--console-pictures",
        action="store_true",
        help="also write the documents' pictures of the console (docs/images)",
    )
    parser.addoption(
        "--crashes",
        type=int,
        default=7,
        help="how often the tests in tests/crash kill, on each database (200 take minutes)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--with-vllm"):
        return
    chosen = [item for item in items if item.get_closest_marker("vllm") is None]
    if left_out := [item for item in items if item.get_closest_marker("vllm") is not None]:
        config.hook.pytest_deselected(items=left_out)
        items[:] = chosen
