"""Print the result of a command: JSON for programs, lines for people."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import typer


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_json_one_or_list(results: Sequence[Any]) -> None:
    """Print one result by itself, and several as a list."""
    print_json(results[0] if len(results) == 1 else results)


def print_lines(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines as they come, on stdout or on stderr."""
    for line in lines:
        typer.echo(line, err=err)
