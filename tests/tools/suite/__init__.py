"""The JSON Schema Test Suite, as jsonschema's own source archive carries it.

The archive is the one that `uv.lock` names, fetched once into `.cache/` and checked against the hash
there.  Without a network and without that file the tests that need it are skipped.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".cache"
DRAFTS = ("draft2020-12", "draft7")


@dataclass(frozen=True, slots=True)
class Case:
    """One schema with the values that it accepts and refuses."""

    draft: str
    file: str
    description: str
    schema: Any
    tests: tuple[tuple[Any, bool], ...]


@cache
def cases() -> tuple[Case, ...]:
    """The required cases (not `optional/`) of both drafts that matter here."""
    return tuple(_read(_archive()))


def _read(archive: Path) -> Iterator[Case]:
    inside = re.compile(r"/json/tests/(draft2020-12|draft7)/([^/]+)\.json$")
    with tarfile.open(archive) as files:
        for member in files:
            if (found := inside.search(member.name)) is None:
                continue
            content = files.extractfile(member)
            assert content is not None
            for group in json.load(content):
                tests = tuple((test["data"], test["valid"]) for test in group["tests"])
                yield Case(found[1], found[2], group["description"], group["schema"], tests)


def _archive() -> Path:
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    [package] = [each for each in packages if each["name"] == "jsonschema"]
    url, digest = package["sdist"]["url"], package["sdist"]["hash"].removeprefix("sha256:")
    file = CACHE / url.rpartition("/")[2]
    if not file.exists():
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                data = answer.read()
        except (urllib.error.URLError, TimeoutError) as error:
            pytest.skip(f"{url} can't be fetched: {error}")
        CACHE.mkdir(exist_ok=True)
        file.write_bytes(data)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest, f"{file} is damaged: remove it"
    return file
