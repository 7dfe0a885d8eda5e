"""What can be wrong with a store. Errors of SQL and of files become these at one boundary.

StorageError
  StorageRefused       at start-up: can't be opened as configured; says what to do
  StorageUnavailable   while serving: does not answer in time, or not at all
"""

from __future__ import annotations


class StorageError(Exception):
    """Something is wrong with the store."""


class StorageRefused(StorageError):
    """The store can't be opened. The text is for people, without secrets; `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class StorageUnavailable(StorageError):
    """The store does not answer now; what needs it may be asked again."""
