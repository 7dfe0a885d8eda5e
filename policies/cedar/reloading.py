"""Policies that follow their files: what was changed is read again, and what is broken is not taken.

Looked at when somebody asks, twice a second at most: there is no task to own. The last good set stays in
force until its files are good again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from policies.cedar.policy_set import PolicySet, files_in
from policies.errors import PolicyError

_log = logging.getLogger("policies")
_EVERY_S = 0.5

_State = tuple[tuple[str, int, int], ...]


class ReloadedSet:
    """The set in force at `path`. Raises `PolicyError` when there is none to begin with."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._state = _state(path)
        self._looked_at = clock()
        self._set = PolicySet.read(path)

    def current(self) -> PolicySet:
        """The newest good one."""
        now = self._clock()
        if now - self._looked_at < _EVERY_S:
            return self._set
        self._looked_at = now
        state = _state(self._path)
        if state == self._state:
            return self._set
        self._state = state
        try:
            self._set = PolicySet.read(self._path)
        except PolicyError as error:
            _log.error("the changed policies are not taken, those before stay in force: %s", error)
        else:
            _log.warning("policies are in force: %s, version %s", self._path, self._set.version)
        return self._set


def _state(path: Path) -> _State:
    """What tells whether a file was changed."""
    found: list[tuple[str, int, int]] = []
    for file in files_in(path):
        try:
            told = file.stat()
        except OSError:
            found.append((str(file), 0, -1))
        else:
            found.append((str(file), told.st_mtime_ns, told.st_size))
    return tuple(found)
