"""`gateway config`: the configuration's schema, and what is in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.exits import explained

app = typer.Typer(help="The configuration: its schema, and what is in force.", no_args_is_help=True)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    from gateway.settings import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


@app.command()
def show(
    config: Annotated[Path | None, typer.Option(help="The configuration file (YAML).")] = None,
) -> None:
    """Print what is in force, defaults and environment included; secrets are masked."""
    import yaml

    from gateway.settings import load_settings

    with explained():
        settings = load_settings(config)
        typer.echo(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False).rstrip())
