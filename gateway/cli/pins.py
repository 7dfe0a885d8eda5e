"""`gateway tools pins` and `approve`: what MCP servers said of their tools when it was approved, and now.

Both read and write the file of pins, so they work whether a gateway runs or not.
"""

from __future__ import annotations

import json
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Exit, explained, fail

if TYPE_CHECKING:
    from tools.mcp.definition import Definition
    from tools.mcp.pins import Pins

Config = Annotated[Path | None, typer.Option(help="The configuration file (YAML).")]


def pins(*, config: Config = None) -> None:
    """List the pinned tools of MCP servers; of those that are held, the difference. Exit code 1 if any is."""
    found = _pins(config).all()
    if not found:
        typer.echo("no MCP server has been seen")
    for pin in found:
        state = "approved" if pin.held is None else "held: new" if pin.approved is None else "held"
        typer.echo(f"{pin.server} {pin.tool}: {state}")
        if pin.held is not None:
            for line in _difference(pin.approved, pin.held):
                typer.echo(f"  {line}")
    if any(pin.held is not None for pin in found):
        raise typer.Exit(Exit.NO)


def approve(
    server: Annotated[str, typer.Argument(help="The server's name in the configuration.")],
    tool: Annotated[str | None, typer.Argument(help="The server's own name of the tool.")] = None,
    *,
    config: Config = None,
) -> None:
    """Approve what is held of a server: one tool, or all. A running gateway notices within seconds."""
    from tools.mcp.pins import PinsError

    try:
        approved = _pins(config).approve(server, tool)
    except PinsError as error:
        fail(str(error), code=Exit.NO)
    if not approved:
        fail(f"nothing of {server} is held", "gateway tools pins lists all", code=Exit.NO)
    for name in approved:
        typer.echo(f"approved {server} {name}")


def _pins(config: Path | None) -> Pins:
    from gateway.settings import load_settings
    from tools.mcp.pins import Pins, PinsError

    with explained():
        settings = load_settings(config)
    try:
        return Pins(settings.tools.mcp_pins)
    except PinsError as error:
        fail(str(error), code=Exit.NO)


def _difference(before: Definition | None, now: Definition) -> list[str]:
    def lines(definition: Definition | None) -> list[str]:
        if definition is None:
            return []
        # ASCII: what can't be seen, or runs the other way, is spelled out
        return json.dumps(definition.as_data(), indent=2, sort_keys=True).splitlines()

    return list(unified_diff(lines(before), lines(now), "approved", "now", lineterm="", n=1))
