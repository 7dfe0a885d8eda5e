"""A server process from its first instruction: what would cost start-up time for nothing is put off.

Imported before anything heavy is; the application that `gateway serve` gives to uvicorn is made here.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

_RARE = ("aiohttp", "requests")
"""Modules of which nothing is used before something rare happens.

aiohttp reads all certificates when it is imported, and an idle server asks nobody anything.
mistral-common imports requests to download images, which the gateway never asks it to: 4 MB with what it brings.
"""

_NEW_OBJECTS = 5_000
"""How many more objects than before have the collector look for cycles among them.

At Python's 700 that took a twentieth of a request's time, and a request leaves no cycle to be found.
"""


def begin() -> None:
    """Until the application stands, nearly nothing becomes garbage, and looking for it is a tenth of the time.

    `gateway.compose.application` turns the collector on again.
    """
    gc.disable()
    for name in _RARE:
        _postpone(name)


def application() -> FastAPI:
    """The application of a server process."""
    begin()
    from gateway import compose

    made = compose.application()
    gc.set_threshold(_NEW_OBJECTS)
    _give_back()
    return made


def _give_back() -> None:
    """Has the allocator return what start-up freed, 6 MB, which glibc would keep for the process."""
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:  # musl has none
        trim(0)


class _Late(ModuleType):
    """Stands for a module until something of it is used, which `importlib.util.LazyLoader` takes for `import`."""

    def __getattr__(self, name: str) -> Any:
        # Whoever looks for the file of a class, as `inspect` does, asks every module that there is.
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def _postpone(name: str) -> None:
    if name not in sys.modules:
        sys.modules[name] = _Late(name)
