"""The store of runs for those who only read it: nothing is made, upgraded or thrown away."""

from __future__ import annotations

from pathlib import Path

from gateway.compose.error import CompositionError
from gateway.settings import StorageSettings
from gateway.settings.storage import SQLITE
from gateway.storage.errors import StorageRefused
from gateway.storage.runs import RunStore


def build_run_reader(storage: StorageSettings) -> RunStore:
    """The runs in the database; it has to be there. Raises `CompositionError`."""
    if storage.url == "memory:":
        raise CompositionError(
            "storage.url: with memory: runs are in the gateway's process only",
            "ask it: --url http://127.0.0.1:8080",
        )
    if storage.url.startswith(SQLITE):
        path = Path(storage.url.removeprefix(SQLITE))
        if not path.exists():
            raise CompositionError(
                f"storage.url: there is no database {path}",
                "name the gateway's configuration (--config), or a running gateway (--url)",
            )
    from gateway.storage.sql.database import Database
    from gateway.storage.sql.opening import engine_of
    from gateway.storage.sql.processes import Process
    from gateway.storage.sql.runs import SqlRunStore

    try:
        return SqlRunStore(Database(engine_of(storage.url), Process()))
    except StorageRefused as error:
        raise CompositionError(str(error), error.hint) from error
