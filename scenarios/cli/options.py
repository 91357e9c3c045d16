"""Options that several commands share, and the project's version."""

import tomllib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli.exits import DISTRIBUTION
from scenarios.monitoring.webhook import WebhookDeliveryError, webhook_origin

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Replace existing files.", show_default=False)
]
TolerantOption = Annotated[
    bool, typer.Option(help="Answer changed requests, and report the drift.", show_default=False)
]
PortOption = Annotated[
    int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1 (0: a free one).", metavar="PORT")
]
CommandArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Program and its arguments, after --.", metavar="-- COMMAND"),
]
ExperimentOption = Annotated[
    str, typer.Option(help="Restrict to this MLflow experiment.", metavar="NAME")
]
WithScenariosOption = Annotated[
    bool, typer.Option("--scenarios", help="Include runs of scenarios.")
]
AlertRulesOption = Annotated[
    Path | None,
    typer.Option(help="TOML file of alert rules, replacing the defaults.", metavar="FILE"),
]


def _require_webhook_url(url: str | None) -> str | None:
    """Report a webhook that is no URL before anything else is done."""
    try:
        if url:
            webhook_origin(url)
    except WebhookDeliveryError as error:
        raise typer.BadParameter(str(error)) from error
    return url


WebhookOption = Annotated[
    str | None,
    typer.Option(
        callback=_require_webhook_url, help="POST alerts to this URL as JSON.", metavar="URL"
    ),
]
TRACE_HELP = "JSON file, ID of an MLflow trace or run, or last."
TraceArgument = Annotated[str, typer.Argument(help=TRACE_HELP, metavar="TRACE")]


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


def parse_pairs(
    texts: list[str] | None, expected: str, is_valid: Callable[[str], bool] = lambda _: True
) -> dict[str, str]:
    """Parse `NAME=VALUE` of a repeatable option.

    Args:
        texts: What was given.
        expected: The beginning of the error message: the option, and what it expects.
        is_valid: Whether a value may be used.
    """
    pairs = {}
    for text in texts or ():
        name, has_value, value = text.partition("=")
        if not (name and has_value and is_valid(value)):
            raise typer.BadParameter(f"{expected}; got {text!r}")
        pairs[name] = value
    return pairs
