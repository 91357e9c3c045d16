"""Options that several commands share, and the project's version."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli.exits import DISTRIBUTION

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def project_version() -> str:
    """The version of this project: of the installed package, else of its pyproject.toml."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return str(tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["version"])


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"{DISTRIBUTION} {project_version()}")
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option(
        "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
]
