"""Definitions as they were approved, so that a server can't change a tool behind everyone's back.

What it is: a JSON file with the approved definition of each tool of each server, and the one that is held
because it differs. It is shared by all workers and by `gateway tools approve`: every change is made to the
file as it is then, under a lock, and put in its place at once.
What it is not: a judgement on what a definition says. A person makes that.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from tools.mcp.definition import Definition

_log = logging.getLogger(__name__)


class Verdict(StrEnum):
    """What a definition is, compared with what was approved."""

    APPROVED = "approved"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Pin:
    """One tool of one server; `approved` is None for a new one that is held."""

    server: str
    tool: str
    approved: Definition | None
    held: Definition | None


class PinsError(Exception):
    """The file can't be read; says why."""


class Pins:
    """The pins in a file. One that can't be written is told in the log, and lives in memory."""

    def __init__(self, path: Path) -> None:
        """Raises `PinsError` for a file that is there and no file of pins."""
        self.path = path
        self._pins: dict[tuple[str, str], Pin] = {}
        self._read_at: int | None = None
        self.refresh()

    def refresh(self) -> bool:
        """Read the file again if it is another one by now; whether it was."""
        try:
            written = self.path.stat().st_mtime_ns
        except OSError:
            return False
        if written == self._read_at:
            return False
        self._read_at, self._pins = written, _read(self.path)
        return True

    def all(self) -> tuple[Pin, ...]:
        """Every pin, by server and tool."""
        return tuple(self._pins[key] for key in sorted(self._pins))

    def of(self, server: str) -> tuple[Pin, ...]:
        """Those of one server, in the order in which they were seen."""
        return tuple(pin for pin in self._pins.values() if pin.server == server)

    def judge(self, server: str, found: list[Definition], *, hold_new: bool) -> dict[str, Verdict]:
        """By name. What is new is approved at first sight, unless it is to be held."""
        self.refresh()
        before = dict(self._pins)
        fresh = {each.name for each in found if (server, each.name) not in before}
        known = any(pin.server == server for pin in before.values())
        verdicts: dict[str, Verdict] = {}
        changed: dict[tuple[str, str], Pin] = {}
        for each in found:
            key = (server, each.name)
            pin = before.get(key) or Pin(server, each.name, None, None)
            if each.name in fresh and not (hold_new and known):
                pin = Pin(server, each.name, each, None)
            if pin.approved is not None and pin.approved.digest == each.digest:
                verdicts[each.name], pin = Verdict.APPROVED, Pin(*key, pin.approved, None)
            else:
                verdicts[each.name], pin = Verdict.HELD, Pin(*key, pin.approved, each)
            if pin != before.get(key):
                changed[key] = pin
        if changed:
            self._change(lambda pins: {**pins, **changed})
        return verdicts

    def approve(self, server: str, tool: str | None = None) -> list[str]:
        """Approve what is held of one tool or all; the names of those that were. Raises `PinsError`."""
        approved: list[str] = []

        def change(pins: dict[tuple[str, str], Pin]) -> dict[tuple[str, str], Pin]:
            for key, pin in pins.items():
                if pin.server == server and tool in (None, pin.tool) and pin.held is not None:
                    pins[key] = Pin(server, pin.tool, pin.held, None)
                    approved.append(pin.tool)
            return pins

        self._change(change, must=True)
        return approved

    def _change(
        self,
        change: Callable[[dict[tuple[str, str], Pin]], dict[tuple[str, str], Pin]],
        *,
        must: bool = False,
    ) -> None:
        try:
            with _locked(self.path):
                self._pins = change(_read(self.path) if self.path.exists() else dict(self._pins))
                _write(self.path, self._pins)
                self._read_at = self.path.stat().st_mtime_ns
        except OSError as error:
            if must:
                raise PinsError(f"{self.path}: {error}") from error
            self._pins = change(dict(self._pins))
            _log.error("tools.mcp_pins: %s can't be written: %s", self.path, error)


@contextmanager
def _locked(path: Path) -> Generator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> dict[tuple[str, str], Pin]:
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        pins = [
            Pin(each["server"], each["tool"], _given(each["approved"]), _given(each["held"]))
            for each in cast("list[dict[str, Any]]", data["pins"])
        ]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise PinsError(f"{path}: is no file of pins: {error}") from error
    return {(pin.server, pin.tool): pin for pin in pins}


def _given(data: Mapping[str, Any] | None) -> Definition | None:
    return None if data is None else Definition.from_data(data)


def _write(path: Path, pins: Mapping[tuple[str, str], Pin]) -> None:
    def told(definition: Definition | None) -> Any:
        return None if definition is None else definition.as_data()

    listed = [
        {
            "server": pin.server,
            "tool": pin.tool,
            "approved": told(pin.approved),
            "held": told(pin.held),
        }
        for pin in pins.values()
    ]
    text = json.dumps({"pins": listed}, indent=1, ensure_ascii=True)
    beside = path.with_suffix(f".{os.getpid()}.new")
    beside.write_text(text + "\n", encoding="utf-8")
    beside.replace(path)
