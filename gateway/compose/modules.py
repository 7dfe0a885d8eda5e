"""Python modules that the configuration names."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType


def load_module(name: str) -> ModuleType:
    """The module. Raises what its import raises.

    The working directory is behind everything installed, so that a file in it can't take a package's place.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    return importlib.import_module(name)


def where_modules_are() -> str:
    """What to do about one that is not found."""
    return f"put it into {Path.cwd()}, or install it into this environment: {sys.prefix}"
