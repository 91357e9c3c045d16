"""`convert`: tapes from and to cassettes of vcrpy and fixtures of aimock."""

import json
from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli.options import JsonOption


def convert(
    source: Annotated[Path, typer.Argument(help="File to convert.", metavar="SOURCE")],
    target: Annotated[Path, typer.Argument(help="File to write.", metavar="TARGET")],
    to: Annotated[
        str,
        typer.Option(
            help="tape, vcrpy or aimock (default: by the name of TARGET).", metavar="FORMAT"
        ),
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing file.", show_default=False)
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Convert a tape to or from the form of vcrpy or aimock.

    The format of TARGET follows from its name: .jsonl is a tape, .yaml a cassette, .json a fixture
    file. Lists, by line, what the other format cannot hold.

    Example: python -m scenarios convert cassettes/crew.yaml crew.jsonl
    """
    from scenarios.atomic_write import write_atomically
    from scenarios.converters.conversion import FORMAT_BY_SUFFIX, FORMATS, convert_file
    from scenarios.trace_import.imported_files import require_free

    target_format = to or FORMAT_BY_SUFFIX.get(target.suffix, "")
    if target_format not in FORMATS:
        raise typer.BadParameter(
            f"{target}: the format is not clear from the name; add --to {'|'.join(FORMATS)}"
        )
    require_free(target, force)
    converted = convert_file(source, target_format)
    write_atomically(target, converted.content)
    target.chmod(0o600)
    if as_json:
        losses = [{"place": one.place, "description": one.description} for one in converted.losses]
        report = {"target": str(target), "exchanges": converted.count, "not_carried_over": losses}
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        plural = "" if converted.count == 1 else "s"
        typer.echo(f"wrote {converted.count} exchange{plural} to {target}")
        for loss in converted.losses:
            typer.echo(f"  not carried over: {loss}")
    raise typer.Exit(0 if converted.count else 1)
