"""What commands share that ask a running gateway: its URL and key, and lists as tables or JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from gateway.cli.client import Document, GatewayClient
from gateway.cli.target import KEY_VARIABLE

Url = Annotated[str, typer.Option(help="The running gateway; its key is in GATEWAY_API_KEY.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
HERE = "http://127.0.0.1:8080"


def client_of(url: str) -> GatewayClient:
    """Speaks to the gateway there, with the key of the environment."""
    return GatewayClient(url, os.environ.get(KEY_VARIABLE))


def path(*parts: str) -> str:
    """A path of the surface, each part of it as text: `/v1/runs/…`."""
    return "/".join(("/v1", *(quote(part, safe="") for part in parts)))


def moment(at: float | None) -> str:
    """Seconds since the epoch, for people; nothing for None."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def print_json(found: Any) -> None:
    """Indented, as it is."""
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2))


def print_list(
    found: list[Document],
    head: tuple[str, ...],
    row: Callable[[Document], tuple[str, ...]],
    *,
    as_json: bool,
) -> None:
    """As JSON, or as a table as wide as the terminal, in which nothing is markup."""
    if as_json:
        print_json(found)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*head, box=None, pad_edge=False)
    for each in found:
        table.add_row(*map(escape, row(each)))
    Console().print(table)


def called(each: Document) -> str:
    """A call as its name and arguments."""
    return f"{each['name']} {json.dumps(each['arguments'], ensure_ascii=False)}"
