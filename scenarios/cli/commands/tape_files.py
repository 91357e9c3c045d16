"""The commands that read or write files of tapes: doctor, convert and import-trace."""

import os
from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli.exits import store_access
from scenarios.cli.options import CommandArgument, ForceOption, JsonOption, TraceArgument
from scenarios.cli.output import print_json, print_lines
from scenarios.traces.store.tracking_uri import tracking_uri

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
    from scenarios.programs.recording_comparison.comparison import compare_recordings
    from scenarios.programs.recording_comparison.comparison_report import (
        comparison_to_json,
        describe_comparison,
    )
    from scenarios.recording.partial_tape import replace_header
    from scenarios.tape.header import TapeHeader
    from scenarios.tape.requests.volatile import VolatileRules
    from scenarios.tape.tape import Tape

    if os.path.realpath(tape) == os.path.realpath(other):
        raise typer.BadParameter(f"expected two recordings, found {tape} twice")
    tapes = {path: Tape.load(path) for path in (tape, other)}
    comparison = compare_recordings(*tapes.values())
    if write and comparison.rules:
        rules = TapeHeader(volatile=VolatileRules(comparison.rules))
        for path, content in tapes.items():
            replace_header(path, content.header.merge(rules))
    if json_output:
        print_json(comparison_to_json(comparison, rules_are_written=write))
    else:
        print_lines(describe_comparison(comparison, tape, other, rules_are_written=write))
    is_equal = not comparison.differences and not comparison.unpaired
    raise typer.Exit(0 if is_equal and (write or not comparison.rules) else DIFFERENCE_EXIT_CODE)


def convert(
    source: Annotated[Path, typer.Argument(help="File to convert.", metavar="SOURCE")],
    target: Annotated[Path, typer.Argument(help="File to write.", metavar="TARGET")],
    to: Annotated[
        str,
        typer.Option(
            help="tape, vcrpy or aimock (default: by the name of TARGET).", metavar="FORMAT"
        ),
    ] = "",
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Convert a tape to or from the form of vcrpy or aimock.

    The format of TARGET follows from its name: .jsonl is a tape, .yaml a cassette, .json a fixture
    file. Lists, by line, what the other format cannot hold.

    Exit codes: 0 converted; 1 SOURCE has nothing that can be converted; 2 it cannot be read.

    Example: python -m scenarios convert cassettes/crew.yaml crew.jsonl
    """
    from scenarios.reports.atomic_write import write_atomically
    from scenarios.tape.converters.conversion import FORMAT_BY_SUFFIX, FORMATS, convert_file
    from scenarios.traces.trace_import.imported_files import require_free

    target_format = to or FORMAT_BY_SUFFIX.get(target.suffix, "")
    if target_format not in FORMATS:
        raise typer.BadParameter(
            f"{target}: the format is not clear from the name; add --to {'|'.join(FORMATS)}"
        )
    require_free(target, force)
    converted = convert_file(source, target_format)
    if converted.count:
        write_atomically(target, converted.content)
        target.chmod(0o600)
    if as_json:
        print_json({"target": str(target) if converted.count else None} | converted.to_json())
    else:
        print_lines(converted.describe(source, target))
    raise typer.Exit(0 if converted.count else 1)


def import_trace(
    trace: TraceArgument,
    command: CommandArgument = None,
    into: Annotated[
        Path, typer.Option(help="Folder for the test and its tape.", metavar="FOLDER")
    ] = Path(),
    name: Annotated[
        str, typer.Option(help="Name (default: that of the trace's root span).", metavar="NAME")
    ] = "",
    tape: Annotated[
        Path | None, typer.Option(help="Write only a tape, to this file.", metavar="FILE")
    ] = None,
    workflow: Annotated[
        str,
        typer.Option(
            help="Write a scenario of this workflow, e.g. search_agent.", metavar="WORKFLOW"
        ),
    ] = "",
    regression: Annotated[
        bool,
        typer.Option("--regression", help="Of a bad run: test what was right, not what happened."),
    ] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a test of a trace: a tape and drafted expectations.

    Reads traces of MLflow, OTLP JSON and the traces that `accept` records, of any instrumentor. The
    test runs COMMAND on the tape. With --tape, only the tape is written; with --workflow, a
    scenario of the catalog. With --regression, the test fails for this run: it expects the end with
    OK, none of the failures that the diagnosis finds, and the words of the label answer_contains.

    Lists what the trace did not hold. Exit codes: 0 the tape answers the whole run; 1 it does not
    (it is written all the same); 2 nothing was written.
    """
    from scenarios.traces.divergence.run_sources import load_all_traces
    from scenarios.traces.trace_import.imported_files import ImportTarget, write_import

    if regression and (tape or workflow):
        raise typer.BadParameter("--regression writes a test, not a --tape or a --workflow")
    with store_access("stopped"):
        loaded = load_all_traces(trace, tracking_uri())
        words = _find_answer_words(loaded.ids) if regression else ()
        target = ImportTarget(
            into, name, tape, workflow, tuple(command or ()), force, regression, words
        )
        imported = write_import(loaded, trace, target)
    if as_json:
        print_json(imported.to_json())
    else:
        print_lines(imported.describe())
    raise typer.Exit(0 if imported.tape.is_complete else 1)


def _find_answer_words(trace_ids: tuple[str, ...]) -> tuple[str, ...]:
    """The labels of people that say which words a right answer contains; () for a file."""
    if not trace_ids:
        return ()
    from mlflow.tracing.client import TracingClient  # takes three seconds

    from workflows.lifecycle.rated_runs import ANSWER_CONTAINS, read_labels

    client = TracingClient(tracking_uri())
    labels = read_labels([client.get_trace_info(one) for one in trace_ids])
    found = labels.get(ANSWER_CONTAINS, ())
    return (found,) if isinstance(found, str) else tuple(map(str, found))
