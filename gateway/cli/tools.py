"""`gateway tools`: what is registered, and trying it by hand."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from gateway.cli.exits import Exit, explained, fail
from gateway.cli.target import Config, Url, target

app = typer.Typer(help="The registered tools: list, show, call.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The tool's name.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


@app.command("list")
def list_tools(*, url: Url = None, config: Config = None, as_json: Json = False) -> None:
    """List the registered tools."""
    with explained(), target(url, config) as gateway:
        found = gateway.get("/v1/tools")["data"]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("tool", "effect", "what it does", box=None, pad_edge=False)
    for tool in found:
        table.add_row(f"[bold]{tool['name']}[/]", _effect(tool), tool["description"])
    Console().print(table)


@app.command()
def show(name: Name, *, url: Url = None, config: Config = None) -> None:
    """Print a tool's definition as JSON."""
    with explained(), target(url, config) as gateway:
        found = gateway.get(f"/v1/tools/{quote(name, safe='')}")
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))


@app.command()
def call(
    name: Name,
    arguments: Annotated[str, typer.Argument(help="The arguments, a JSON object.")] = "{}",
    *,
    url: Url = None,
    config: Config = None,
) -> None:
    """Call a tool by hand: validated like a model's call; exit code 1 when it fails."""
    try:
        parsed = json.loads(arguments)
    except ValueError as error:
        fail(
            f"the arguments are no JSON: {error}",
            """such as: gateway tools call calculate '{"expression": "2 + 3"}'""",
            code=Exit.USAGE,
        )
    with explained(), target(url, config) as gateway:
        result = gateway.post(f"/v1/tools/{quote(name, safe='')}/invoke", {"arguments": parsed})
    typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
    if result.get("failure"):
        raise typer.Exit(Exit.NO)


def _effect(tool: dict[str, Any]) -> str:
    return {"read": "reads", "write": "writes", "destroy": "destroys"}.get(tool["effect"], "")
