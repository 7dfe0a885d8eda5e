"""`gateway policy`: are the policies right, do they say what they should, and what said that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import CommandError, Exit, explained

if TYPE_CHECKING:
    from policies.cedar.cases import Case
    from policies.cedar.reloading import ReloadedSet

app = typer.Typer(help="The policies: check, test, explain.", no_args_is_help=True)

Config = Annotated[Path | None, typer.Option(help="The configuration file (YAML).")]


@app.command()
def check(config: Config = None) -> None:
    """Read the Cedar policies and the rules; exit code 1 when they can't be used."""
    from policies.errors import PolicyError
    from policies.loader import DEFAULT, load

    with explained():
        path, policies = _in_force(config)
        rules = _settings_of(config)[1] or DEFAULT
        try:
            load(rules)
        except PolicyError as error:
            raise CommandError(str(error), code=Exit.NO) from None
        current = policies.current()
    typer.echo(f"{path}: {len(current)} policies, version {current.version}")
    typer.echo(f"{rules}: the rules can be used")


@app.command("test")
def try_cases(config: Config = None) -> None:
    """Try the table of cases beside the policies; exit code 1 when one is answered otherwise."""
    from policies.cedar.cases import read_cases, try_all
    from policies.errors import PolicyError

    with explained():
        path, policies = _in_force(config)
        try:
            tried = try_all(policies, read_cases(path))
        except PolicyError as error:
            raise CommandError(str(error), code=Exit.NO) from None
    wrong = [each for each in tried if not each.is_right]
    for each in wrong:
        case = each.case.model_dump(mode="json", exclude_defaults=True)
        deciders = ", ".join(each.answer.policies) or "no policy"
        typer.echo(f"no  {json.dumps(case, ensure_ascii=False)}")
        typer.echo(f"    answered {each.answer.said} by {deciders}: {each.answer.reason}")
    typer.echo(f"{len(tried) - len(wrong)} of {len(tried)} cases are answered as expected")
    if wrong:
        raise typer.Exit(Exit.NO)


@app.command()
def explain(
    action: Annotated[str, typer.Argument(help="offer, call, register, approve or escalate.")],
    name: Annotated[str, typer.Argument(help="The tool; for escalate the model.")],
    *,
    role: Annotated[str, typer.Option(help="app, author or operator.")] = "app",
    tenant: Annotated[str, typer.Option(help="Whose request it is.")] = "default",
    key: Annotated[str, typer.Option(help="The id of a key.")] = "",
    effect: Annotated[str, typer.Option(help="The tool's effect: read, write, destroy.")] = "read",
    open_world: Annotated[
        bool, typer.Option("--open-world", help="The tool reaches outside.")
    ] = False,
    arguments: Annotated[str, typer.Option(help="The call's arguments, a JSON object.")] = "{}",
    tainted: Annotated[
        bool, typer.Option("--tainted", help="The arguments came out of a tool's result.")
    ] = False,
    config: Config = None,
) -> None:
    """Print the answer to one question, and the policy that decided."""
    from policies.cedar.cases import ask

    with explained():
        case = _case(
            {
                "action": action,
                "role": role,
                "tenant": tenant,
                "key": key,
                "arguments": arguments,
                "tainted": tainted,
                "model": name,
                "tool": {"name": name, "effect": effect, "open_world": open_world},
            }
        )
        path, policies = _in_force(config)
        answer = ask(policies, case)
    typer.echo(f"{answer.said}{f': {answer.reason}' if answer.reason else ''}")
    typer.echo(f"decided by: {', '.join(answer.policies) or 'no policy that matches'}")
    typer.echo(f"policies:   {path}, version {policies.current().version}")
    if answer.said == "deny":
        raise typer.Exit(Exit.NO)


def _case(asked: dict[str, object]) -> Case:
    from pydantic import ValidationError

    from policies.cedar.cases import Case

    try:
        parsed = json.loads(str(asked["arguments"]))
        return Case.model_validate({**asked, "arguments": parsed})
    except ValidationError as error:
        first = error.errors()[0]
        problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except ValueError as error:
        problem = f"--arguments: no JSON: {error}"
    raise CommandError(problem, "gateway policy explain --help", code=Exit.USAGE)


def _settings_of(config: Path | None) -> tuple[Path | None, Path | None]:
    from gateway.settings import load_settings

    policies = load_settings(config).policies
    return policies.cedar, policies.file


def _in_force(config: Path | None) -> tuple[Path, ReloadedSet]:
    """Where the configured Cedar policies are, and what they are. Raises `CommandError`."""
    from policies.cedar.reloading import ReloadedSet
    from policies.errors import PolicyError
    from policies.loader import DEFAULT_CEDAR

    path = _settings_of(config)[0] or DEFAULT_CEDAR
    try:
        return path, ReloadedSet(path)
    except PolicyError as error:
        raise CommandError(str(error), code=Exit.NO) from None
