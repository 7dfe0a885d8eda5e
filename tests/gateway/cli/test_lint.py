from __future__ import annotations

import json

from typer.testing import CliRunner

from gateway.cli import commands

from .conftest import Serve

cli = CliRunner()


def test_tools_are_graded_and_told_what_to_mend(serve: Serve) -> None:
    done = cli.invoke(commands(), ["tools", "lint", "--url", serve()])
    assert done.exit_code == 0, done.output
    assert "A  calculate" in done.output
    assert "$.parameters.properties.expression: has no description" in done.output


def test_a_grade_below_the_least_ends_with_one_and_names_choose(serve: Serve) -> None:
    url = serve()
    done = cli.invoke(commands(), ["tools", "lint", "calculate", "--json", "--url", url])
    [report] = json.loads(done.stdout)
    assert report["name"] == "calculate"
    assert [each["kind"] for each in report["findings"]] == ["undescribed"]
    assert cli.invoke(commands(), ["tools", "lint", "nothing", "--url", url]).exit_code == 1
