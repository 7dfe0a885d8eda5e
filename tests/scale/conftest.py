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
    folder = tmp_path_factory.mktemp("replicas")  # a name of its own for each module
    execute(postgres_socket, f"CREATE DATABASE {folder.name}")
    database = f"postgresql://postgres@/{folder.name}?host={postgres_socket}"
    async with serving(folder, database) as made:
        yield made
