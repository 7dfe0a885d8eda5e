"""The `gateway` command. What a command needs is imported when it runs, so that `--help` is fast.

Exit codes: 0 done; 1 the answer is no (a fault found, a score too low, a tool that failed); 2 used
wrongly, or a configuration that can't be used; 3 something can't be reached; 130 interrupted.
"""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli import (
    audit,
    calibrate,
    chat,
    config,
    doctor,
    evaluate,
    keys,
    policy,
    runs,
    schedules,
    serve,
    stats,
    tools,
)

app = typer.Typer(
    name="gateway",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A gateway for agentic function calling. Start with `gateway serve`, or `gateway doctor`.",
    epilog="Exit codes: 0 done; 1 the answer is no; 2 used wrongly; 3 not reachable; 130 interrupted.",
)
app.command("serve")(serve.serve)
app.command("chat")(chat.chat)
app.add_typer(tools.app, name="tools")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(policy.app, name="policy")
app.add_typer(runs.app, name="runs")
app.add_typer(schedules.app, name="schedules")
app.command("stats")(stats.stats)
app.command("doctor")(doctor.doctor)
app.add_typer(config.app, name="config")
app.command("eval")(evaluate.evaluate)
app.command("calibrate")(calibrate.calibrate)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's signature
    if asked:
        from importlib.metadata import version

        typer.echo(version("agentic-gateway"))
        raise typer.Exit


@app.callback()
def gateway(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A small model calls your tools; every call is validated, allowed and traced."""


def main() -> None:
    """The entry point of the `gateway` command."""
    app()
