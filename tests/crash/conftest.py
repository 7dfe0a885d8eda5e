"""The databases that outlive the gateways which are killed here, and how many are."""

from __future__ import annotations

import pytest

from tests.storage.conftest import postgres_socket, postgres_template, sqlite_template, url

__all__ = ["postgres_socket", "postgres_template", "sqlite_template", "url"]


@pytest.fixture
def crashes(pytestconfig: pytest.Config) -> int:
    """How many kills: `--crashes`."""
    kills = pytestconfig.getoption("--crashes")
    assert isinstance(kills, int)
    return kills
