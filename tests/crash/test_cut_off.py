"""A worker whose network is gone: others go on with its runs, and it does nothing more when it is back.

It runs in a network namespace of its own, which takes root and iproute2; one link leads from there to the
database, one to the upstream.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.storage.sql.migrate import prepare
from tests.crash.bank import open_bank
from tests.crash.crew import Crew, crew_of, forking, until
from tests.peers import program
from tests.storage.postgres import cluster


class Link:
    """A cable into the namespace: `number` makes its names and addresses. It is cut on this side, so that
    inside nothing is heard of it."""

    def __init__(self, namespace: str, number: int) -> None:
        self.net = f"10.231.{number}.0/30"
        self.outside, inside = f"10.231.{number}.1", f"10.231.{number}.2"
        self._here, there = f"o{number}.{os.getpid()}", f"i{number}.{os.getpid()}"
        _ip("link", "add", self._here, "type", "veth", "peer", "name", there, "netns", namespace)
        _ip("address", "add", f"{self.outside}/30", "dev", self._here)
        _ip("-n", namespace, "address", "add", f"{inside}/30", "dev", there)
        _ip("-n", namespace, "link", "set", there, "up")
        self.mend()

    def cut(self) -> None:
        _ip("link", "set", self._here, "down")

    def mend(self) -> None:
        _ip("link", "set", self._here, "up")


def _ip(*arguments: str) -> None:
    subprocess.run([program("ip"), *arguments], check=True, capture_output=True)


@contextmanager
def _namespace() -> Generator[str]:
    if os.geteuid():
        pytest.skip("NOT RUN: network namespaces take root")
    name = f"cut{os.getpid()}"
    try:
        _ip("netns", "add", name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"NOT RUN: no network namespace here: {error.stderr.decode().strip()}")
    try:
        yield name
    finally:
        _ip("netns", "delete", name)  # takes the links with it


async def _under_way(crew: Crew) -> int:
    """How many payments are on their way."""
    assert crew.kept.database is not None
    async with crew.kept.database.read() as connection:
        begun = text("SELECT count(*) FROM effects WHERE state = 'begun'")
        return int((await connection.execute(begun)).scalar_one())


async def test_a_worker_that_is_cut_off_loses_its_runs_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    runs = 8
    with _namespace() as name:
        to_database, to_bank = Link(name, 7), Link(name, 8)
        with cluster(to_database.net, listen_addresses=to_database.outside) as database:
            url = f"postgresql://postgres@/postgres?host={database.folder}"
            afar = f"postgresql://postgres@{to_database.outside}:5432/postgres"
            await asyncio.to_thread(prepare, url)
            async with (
                asyncio.timeout(240),
                open_bank(to_bank.outside) as bank,
                crew_of(url, bank, tmp_path, runs) as crew,
                forking(tmp_path, program("ip"), "netns", "exec", name) as inside,
            ):
                bank.first = 2 * runs - 2  # however fast it is, it is cut off while it pays
                await crew.hire(runs, inside, url=afar)
                await until(lambda: len(bank.payments) > 2 and len(crew.told()) == runs)
                # What it sends now, its system sends again and again, until it arrives or is given up.
                await asyncio.to_thread(to_bank.cut)
                while not await _under_way(crew):  # noqa: ASYNC110 - another process begins one
                    await asyncio.sleep(0.05)
                await asyncio.to_thread(to_database.cut)
                # Until then another may have begun, or the only one been given up, as it could not be sent.
                lost = await _under_way(crew)
                bank.goes_on.set()
                for _ in range(2):
                    await crew.hire()
                await until(lambda: bool(crew.left()) and len(bank.payments) >= 2 * runs - lost)
                for link in (to_bank, to_database):
                    await asyncio.to_thread(link.mend)
                await crew.finish()
                told = await crew.check(runs)
                sys.stderr.write(f"cut off with {lost} payments under way: {told}\n")
