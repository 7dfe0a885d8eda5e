"""Writes docs/terminal.svg: what `gateway chat` shows, from a real run of the embedded model.

    .venv/bin/python scripts/picture.py

Run it again when the model or the rendering has changed, look at the picture, and commit it. The README
shows it on its first screen:

    ![A conversation in the terminal: each call, its result, and the answer](docs/terminal.svg)
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from rich.console import Console

from gateway.cli.chat import ask
from gateway.cli.client import GatewayClient
from gateway.cli.serving import served

ROOT = Path(__file__).resolve().parents[1]
REQUESTS = (
    "What is 48 * 37?",
    "Convert 10 miles to kilometers and save a note: buy milk",
    "What is the square root of 7921?",
)


def main() -> None:
    """One conversation after the other, recorded as it was rendered."""
    console = Console(record=True, width=96, file=io.StringIO(), force_terminal=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(None, notes_path=Path(folder) / "notes.db") as started,
    ):
        gateway = GatewayClient(started.url, started.key)
        for request in REQUESTS:
            console.print(f'[bold green]$[/] gateway chat "{request}"', highlight=False)
            body = {"model": "gateway", "messages": [{"role": "user", "content": request}]}
            ask(gateway, console, body)
            console.print()
    console.save_svg(str(ROOT / "docs" / "terminal.svg"), title="gateway chat")


if __name__ == "__main__":
    main()
