"""The command `trace`: run any program with tracing."""

from typing import Annotated

import typer

from scenarios.launcher.launch import TraceSettings, absolute_store, launch
from scenarios.trace_store.tracking_uri import require_reachable, tracking_uri

TRACE_CONTEXT = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""Everything from the program on belongs to the program."""


def trace(
    command: Annotated[
        list[str],
        typer.Argument(help="Script, -m MODULE, or command; its arguments.", metavar="PROGRAM"),
    ],
    store: Annotated[
        str | None,
        typer.Option(help="MLflow store (default: MLFLOW_TRACKING_URI).", metavar="URI"),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(help="Tag for all traces of the program (repeatable).", metavar="KEY=VALUE"),
    ] = None,
    experiment: Annotated[
        str, typer.Option(help="MLflow experiment; created if needed.", metavar="NAME")
    ] = "flight-recorder",
    children: Annotated[
        bool, typer.Option("--children", help="Trace Python programs that it starts, too.")
    ] = False,
) -> None:
    """Run an unmodified program and record it.

    The program runs as it does in plain Python, with its own arguments, output, signals and exit
    code. AutoGen, CrewAI and openai are recorded from the moment that it imports them. At its end,
    all spans are stored, and the links of its traces are printed on stderr.

    Examples: trace app.py --verbose; trace --tag release=1.4 -m my_package; trace uvicorn app:app
    """
    if (command[0].startswith("-") and command[0] != "-m") or command == ["-m"]:
        raise typer.BadParameter(
            f"no such option: {command[0]}; expected a script, -m MODULE, or a command"
        )
    uri = require_reachable(absolute_store(store or tracking_uri()))
    launch(command, TraceSettings(uri, experiment, _parse_tags(tag or []), children))


def _parse_tags(texts: list[str]) -> dict[str, str]:
    tags = {}
    for text in texts:
        key, has_value, value = text.partition("=")
        if not has_value or not key:
            raise typer.BadParameter(f"--tag expects KEY=VALUE, e.g. release=1.4; got {text!r}")
        tags[key] = value
    return tags
