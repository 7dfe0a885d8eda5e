"""What is wrong with the operator's policies."""

from __future__ import annotations


class PolicyError(Exception):
    """The rules can't be used. `where` is the place in the file."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
