"""Fixtures on real vLLM. `--with-vllm` selects the tests that use them.

The embedded model's engine lives for one module and the random one's from its first use to the end:
starting takes a minute, and two at once would not fit two cores, so modules on the embedded model
come first by name. An engine's log is shown when it does not come up. `TINY_VLLM` may hold the root
URL of one that is running already (`scripts/vllm serve … --served-model-name tiny`).
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator

import pytest

from routing.backends.vllm import VllmBackend
from tests.vllm.engine import ROOT, Engine, serving
from tests.vllm.tiny_model import write_tiny_model

NANO = ROOT / "models" / "nano"


@pytest.fixture(scope="session")
def tiny_engine(tmp_path_factory: pytest.TempPathFactory) -> Generator[Engine, None, None]:
    """A model of random weights that calls functions often and means nothing by it."""
    folder = tmp_path_factory.mktemp("tiny")
    if root := os.environ.get("TINY_VLLM"):
        yield Engine(root, "tiny", folder / "none.log")
        return
    model = write_tiny_model(folder / "model", NANO / "tekken.json")
    with serving(model, folder / "vllm.log") as engine:
        yield engine


@pytest.fixture(scope="module")
def nano_engine(tmp_path_factory: pytest.TempPathFactory) -> Generator[Engine, None, None]:
    """The embedded model, where its weights are present."""
    model = NANO / "safetensors"
    if not (model / "params.json").is_file():
        pytest.skip("the weights of models/nano are absent")
    with serving(model, tmp_path_factory.mktemp("nano") / "vllm.log") as engine:
        yield engine


@pytest.fixture
async def tiny(tiny_engine: Engine) -> AsyncGenerator[VllmBackend, None]:
    """The backend on the random model, its window learnt from the engine."""
    backend = VllmBackend("small", tiny_engine.model, tiny_engine.base_url)
    yield backend
    await backend.aclose()


@pytest.fixture
async def nano(nano_engine: Engine) -> AsyncGenerator[VllmBackend, None]:
    """The backend on the embedded model."""
    backend = VllmBackend("small", nano_engine.model, nano_engine.base_url)
    yield backend
    await backend.aclose()
