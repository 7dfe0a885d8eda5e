"""Where a command goes: to a running gateway, or to one that lives as long as the command."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from gateway.cli.client import GatewayClient

KEY_VARIABLE = "GATEWAY_API_KEY"
"""The environment variable with the key for a gateway at `--url`. Not an option: those are seen by all."""

Url = Annotated[
    str | None,
    typer.Option(help="A running gateway; without it, one is started for this command."),
]
Config = Annotated[
    Path | None,
    typer.Option(help="The configuration file of the gateway that is started."),
]


@contextmanager
def target(
    url: str | None, config: Path | None, *, own_notes: bool = False
) -> Generator[GatewayClient]:
    """A client of the gateway at `url`, or of one that is started.

    `own_notes` gives the started one an empty notebook of its own, which is thrown away.
    """
    if url is not None:
        yield GatewayClient(url, os.environ.get(KEY_VARIABLE))
        return
    from gateway.cli.serving import served

    with TemporaryDirectory(prefix="gateway-") as folder:
        notes = Path(folder) / "notes.db" if own_notes else None
        with served(config, notes_path=notes) as started:
            yield GatewayClient(started.url, started.key)
