"""`gateway tools`: what is registered, trying it by hand, what an OpenAPI document would give, and pins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from gateway.cli import pins
from gateway.cli.exits import Exit, explained, fail
from gateway.cli.lint import lint
from gateway.cli.target import Config, Url, target

if TYPE_CHECKING:
    from tools.openapi.importing import Refused
    from tools.openapi.operations import OperationTool

app = typer.Typer(
    help="The registered tools: list, show, call, preview; pins and approvals of MCP servers' tools.",
    no_args_is_help=True,
)
app.command("lint")(lint)
app.command("pins")(pins.pins)
app.command("approve")(pins.approve)

Name = Annotated[str, typer.Argument(help="The tool's name.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


@app.command()
def schema() -> None:
    """Print the JSON Schema of a manifest, for editors."""
    from gateway.manifests.document import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


@app.command("list")
def list_tools(*, url: Url = None, config: Config = None, as_json: Json = False) -> None:
    """List the registered tools."""
    with explained(), target(url, config) as gateway:
        found = gateway.get("/v1/tools")["data"]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("tool", "effect", "what it does", box=None, pad_edge=False)
    for tool in found:
        said = escape(tool["description"])
        if notice := tool["deprecated"]:
            said = f"[yellow]deprecated: {escape(notice)}[/]\n{said}"
        table.add_row(f"[bold]{tool['name']}[/]", _effect(tool), said)
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be sent, and send nothing.")
    ] = False,
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
    from gateway.cli.client import invoke_path

    with explained(), target(url, config) as gateway:
        body = {"arguments": parsed, **({"gateway": {"dry_run": "all"}} if dry_run else {})}
        result = gateway.post(invoke_path(name), body)
    typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
    if result.get("failure"):
        raise typer.Exit(Exit.NO)


def _effect(tool: dict[str, Any]) -> str:
    return {"read": "reads", "write": "writes", "destroy": "destroys"}.get(tool["effect"], "")


@app.command()
def preview(
    spec: Annotated[str, typer.Argument(help="An OpenAPI document: a file or an http(s) URL.")],
    *,
    base_url: Annotated[str | None, typer.Option(help="Where the API is.")] = None,
    include: Annotated[list[str], typer.Option(help="Only these operations (globs).")] = ["*"],  # noqa: B006 - typer's way
    exclude: Annotated[list[str], typer.Option(help="Not these operations (globs).")] = [],  # noqa: B006
    auth: Annotated[
        list[str], typer.Option(help="A security scheme, as SCHEME=TOOL_VARIABLE.")
    ] = [],  # noqa: B006
    prefix: Annotated[str, typer.Option(help="Stands before every tool's name.")] = "",
    as_json: Json = False,
) -> None:
    """Show which tools a document would give and what would not be one; nothing is registered."""
    from tools.errors import RegistrationError
    from tools.openapi.importing import import_document
    from tools.openapi.importing import preview as would_register
    from tools.openapi.operations import Source
    from tools.openapi.reading import read_source

    source = Source(
        spec,
        base_url,
        include=include,
        exclude=exclude,
        prefix=prefix,
        auth={name: variable or None for name, _, variable in (one.partition("=") for one in auth)},
    )
    try:
        imported = import_document(read_source(spec, allow_private=True), source)
    except RegistrationError as error:
        fail(f"{spec}: {error}", code=Exit.NO)
    tools, refused = would_register(imported)
    if as_json:
        typer.echo(json.dumps(_as_data(tools, refused), indent=2, ensure_ascii=False))
    else:
        _print_preview(imported.title or spec, tools, refused, imported.excluded)
    if not tools:
        raise typer.Exit(Exit.NO)


def _as_data(
    tools: tuple[OperationTool, ...], refused: tuple[Refused, ...]
) -> dict[str, list[dict[str, Any]]]:
    return {
        "tools": [
            {
                "name": tool.spec.name,
                "operation": tool.operation.label,
                "effect": tool.spec.effect,
                "description": tool.spec.description,
                "parameters": dict(tool.spec.parameters),
                "notes": list(tool.notes),
            }
            for tool in tools
        ],
        "refused": [
            {"operation": one.operation, "where": one.where, "why": one.why} for one in refused
        ],
    }


def _print_preview(
    title: str, tools: tuple[OperationTool, ...], refused: tuple[Refused, ...], excluded: int
) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    console.print(f"[bold]{escape(title)}[/]: {len(tools)} tools", highlight=False)
    table = Table("tool", "operation", "effect", "parameters", box=None, pad_edge=False)
    for tool in tools:
        required: list[str] = tool.spec.parameters.get("required", [])
        names = [
            f"[bold]{escape(name)}[/]" if name in required else escape(name)
            for name in tool.spec.parameters["properties"]
        ]
        table.add_row(
            tool.spec.name,
            escape(tool.operation.label),
            _effect({"effect": tool.spec.effect}),
            ", ".join(names),
        )
        for note in tool.notes:
            table.add_row("", f"[dim]{escape(note)}[/]")
    console.print(table)
    if refused:
        console.print(f"\n[bold]{len(refused)} are no tools[/]", highlight=False)
        reasons = Table("operation", "why", "where", box=None, pad_edge=False)
        for one in refused:
            reasons.add_row(escape(one.operation), escape(one.why), escape(one.where))
        console.print(reasons)
    if excluded:
        console.print(f"\n{excluded} operations are excluded", highlight=False)
