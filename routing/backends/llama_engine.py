"""llama.cpp inside this process: loading a model, and what listens where.

What it is: one `xllamacpp.Server`, started at first use and shared by every turn. It answers on
127.0.0.1 only, on a port that the system picks, and only to whoever knows a key made for this
process; its web page and its inspection endpoints are off.
What it is not: a client of that server (`routing.backends.llamacpp`).

Threads: one by default. A small model does not gain from a second one, and where other work shares
the cores, llama.cpp's threads wait for one another: with both cores of a two-core machine busy
elsewhere, a model of 5 M parameters made 600 tokens/s with one thread and 2 to 80 with two. For the
same reason idle threads sleep instead of spinning (`poll`).
"""

from __future__ import annotations

import importlib
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from routing.errors import BackendUnavailable

INSTALL = "pip install 'agentic-gateway[embedded]' (in a checkout: uv sync --extra embedded)"

_GGUF_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class EngineShape:
    """How much the engine may take. `context_tokens` is each slot's window, prompt and answer.

    `slots` turns run at once, further ones wait their turn. `cache_mib` bounds the memory in which
    prompts that lost their slot are kept. `gpu_layers` above 0 needs a wheel with GPU support.
    """

    context_tokens: int = 8192
    slots: int = 4
    threads: int = 1
    cache_mib: int = 128
    gpu_layers: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a loaded engine answers, and the key it asks for."""

    url: str
    key: str


class LlamaEngine:
    """One model file, loaded once. `load` and `unload` block, and may be called from any thread."""

    def __init__(self, model_path: Path, shape: EngineShape) -> None:
        self._model_path = model_path
        self._shape = shape
        self._lock = threading.Lock()
        self._server: Any = None
        self._endpoint: Endpoint | None = None

    @property
    def endpoint(self) -> Endpoint | None:
        """None until the model is loaded."""
        return self._endpoint

    def load(self) -> Endpoint:
        """Load the model if that has not happened. Raises `BackendUnavailable`, which says why."""
        with self._lock:
            if self._endpoint is None:
                self._endpoint = self._start()
            return self._endpoint

    def unload(self) -> None:
        """Stop the engine and free the model. Turns that still run are cut."""
        with self._lock:
            self._endpoint = None
            self._server = None

    def _start(self) -> Endpoint:
        try:
            xllamacpp: Any = importlib.import_module("xllamacpp")  # 34 MB, and has no types
        except ImportError as error:
            message = f"the embedded model needs the package xllamacpp: {INSTALL}"
            raise BackendUnavailable(message) from error
        self._check_file()
        key = secrets.token_urlsafe(32)
        try:
            self._server = xllamacpp.Server(self._parameters(xllamacpp, key))
        except RuntimeError as error:
            message = f"llama.cpp can't load {self._model_path}: {error}"
            raise BackendUnavailable(message) from error
        return Endpoint(self._server.listening_address, key)

    def _parameters(self, xllamacpp: Any, key: str) -> Any:
        shape = self._shape
        params = xllamacpp.CommonParams()
        params.model.path = str(self._model_path)
        params.n_ctx = shape.context_tokens * shape.slots
        params.n_parallel = shape.slots
        params.n_gpu_layers = shape.gpu_layers
        params.cache_ram_mib = shape.cache_mib
        for cpu in (params.cpuparams, params.cpuparams_batch):
            cpu.n_threads = shape.threads
            cpu.poll = 0
        params.hostnames = ["127.0.0.1"]
        params.port = 0
        params.api_keys = [key]
        params.ui = False
        params.endpoint_slots = False
        params.endpoint_props = False
        params.sse_ping_interval = -1
        params.warmup = False
        params.verbosity = -1
        return params

    def _check_file(self) -> None:
        """llama.cpp only says that it failed; this says why, for the two mistakes people make."""
        try:
            with self._model_path.open("rb") as file:
                magic = file.read(len(_GGUF_MAGIC))
        except OSError as error:
            message = f"no model file at {self._model_path}: {error.strerror}"
            raise BackendUnavailable(message) from error
        if magic != _GGUF_MAGIC:
            raise BackendUnavailable(f"{self._model_path} is not a GGUF file")
