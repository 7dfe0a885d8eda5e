"""One pair of replicas for all tests of a module."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.scale.replicas import Replicas, serving
from tests.storage.conftest import execute, postgres_socket

__all__ = ["postgres_socket"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def replicas(
    postgres_socket: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Replicas]:
    """Two gateways over one PostgreSQL behind nginx, none of them killed yet."""
    execute(postgres_socket, "CREATE DATABASE replicas")
    database = f"postgresql://postgres@/replicas?host={postgres_socket}"
    async with serving(tmp_path_factory.mktemp("replicas"), database) as made:
        yield made
