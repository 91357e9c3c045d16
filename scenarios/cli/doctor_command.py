"""The command `doctor`: find what changes from run to run in two recordings of one program."""

import json
from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli.options import JsonOption

DIFFERENCE_EXIT_CODE = 1


def doctor(
    tape: Annotated[Path, typer.Argument(help="A recording.", metavar="TAPE")],
    other: Annotated[Path, typer.Argument(help="Another one.", metavar="TAPE")],
    write: Annotated[
        bool, typer.Option("--write", help="Write the rules on both tapes.", show_default=False)
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Find what changes between two recordings of one program.

    Dates, ids and temporary paths in the prompts make the requests of each run differ. Each such
    part is listed with the lines that it changes and the rule that leaves it out of comparisons:
    --write adds the rules to the headers of both tapes. What no rule explains is listed, too.

    Example: python -m scenarios doctor monday.jsonl tuesday.jsonl --write

    The exit code is 0 if the requests are equal, apart from rules on the tapes; else 1.
    """
    from scenarios.programs.doctor_report import describe, to_json
    from scenarios.programs.tape_doctor import compare_recordings
    from scenarios.recording.partial_tape import replace_header
    from scenarios.tape.header import TapeHeader
    from scenarios.tape.tape import Tape
    from scenarios.tape.volatile import VolatileRules

    tapes = {path: Tape.load(path) for path in (tape, other)}
    diagnosis = compare_recordings(*tapes.values())
    if write and diagnosis.rules:
        rules = TapeHeader(volatile=VolatileRules(diagnosis.rules))
        for path, content in tapes.items():
            replace_header(path, content.header.merge(rules))
    if json_output:
        typer.echo(json.dumps(to_json(diagnosis, is_written=write), indent=2))
    else:
        for line in describe(diagnosis, tape, other, is_written=write):
            typer.echo(line)
    is_equal = not diagnosis.differences and not diagnosis.unpaired
    raise typer.Exit(0 if is_equal and (write or not diagnosis.rules) else DIFFERENCE_EXIT_CODE)
