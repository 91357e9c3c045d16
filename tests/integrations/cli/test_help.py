"""The help and the version that `python -m integrations` prints."""

import pytest
from typer.testing import CliRunner

from integrations.cli.app import app
from scenarios.cli.options import project_version


def test_help_lists_each_command_with_its_complete_summary() -> None:
    output = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).stdout
    for name in ("fidelity", "matrix", "accept", "caught"):
        (summary,) = (line for line in output.splitlines() if line.startswith(f"  {name} "))
        assert not summary.endswith("...")


@pytest.mark.parametrize("name", ["fidelity", "matrix", "accept", "caught"])
def test_each_command_has_help(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--help"])
    assert (result.exit_code, "Options:" in result.stdout) == (0, True)


def test_version_is_that_of_the_project() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.stdout == f"agent-flight-recorder {project_version()}\n"
