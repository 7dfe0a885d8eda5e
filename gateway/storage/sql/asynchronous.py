"""SQLAlchemy's engine for asyncio, without its ORM.

`sqlalchemy.ext.asyncio` imports sessions as well, and with them the whole ORM: a tenth of start-up and 7 MB
that nothing here uses. So its module of engines is imported while the package itself has not run; whoever
imports the package later gets it whole, with the same classes.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING

_PACKAGE = "sqlalchemy.ext.asyncio"

if TYPE_CHECKING or _PACKAGE in sys.modules:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
elif (_spec := find_spec(_PACKAGE)) is None:
    raise ModuleNotFoundError(_PACKAGE)
else:
    sys.modules[_PACKAGE] = module_from_spec(_spec)
    try:
        from sqlalchemy.ext.asyncio.engine import AsyncConnection, AsyncEngine, create_async_engine
    finally:
        del sys.modules[_PACKAGE]

__all__ = ["AsyncConnection", "AsyncEngine", "create_async_engine"]
