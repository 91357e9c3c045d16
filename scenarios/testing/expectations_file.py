"""Read a Python file of expectations, and evaluate them on stored or exported traces.

# my_expectations.py
from flight_recorder.testing import calls_tool, hands_off

EXPECTATIONS = [hands_off("writer", "editor"), calls_tool("writer", "search", times=1)]
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from runpy import run_path
from typing import Any

from scenarios.expectations import Expectation
from scenarios.player.check_scenario import TraceSource, load_source
from scenarios.player.verdict import VariantResult, Verdict, evaluate

LIST_NAME = "EXPECTATIONS"


class ExpectationsFileError(Exception):
    """A file of expectations cannot be read, or has none."""


def check_expectations_file(source: TraceSource, expectations_file: Path) -> Verdict:
    """Evaluate the expectations of a file on the traces of a source.

    Raises:
        ExpectationsFileError: The file cannot be read, or has no expectations.
        TraceNotFoundError: There is no such trace, or it cannot be read.
    """
    expectations = load_expectations(expectations_file)
    results = [
        VariantResult("trace", trace, evaluate(trace, expectations))
        for trace in load_source(source)
    ]
    return Verdict(source.trace or str(source.session), tuple(results))


def run_python_file(path: Path, error_type: type[Exception]) -> Mapping[str, Any]:
    """Run a person's Python file and return its names. Raises `error_type` if the file raises."""
    try:
        # Not an import: its cache takes a file that was edited within a second for the old one.
        return run_path(str(path))
    except (Exception, SystemExit) as error:  # the file may raise anything
        raise error_type(f"{path}: {type(error).__name__}: {error}") from error


def load_expectations(path: Path) -> Sequence[Expectation]:
    """Run a Python file and return its `EXPECTATIONS`.

    Raises:
        ExpectationsFileError: The file cannot be read, or has no expectations.
    """
    if not path.is_file() or path.suffix != ".py":
        raise ExpectationsFileError(
            f"{path}: there is no such Python file; --expect takes one with a list {LIST_NAME}"
        )
    found = run_python_file(path, ExpectationsFileError).get(LIST_NAME)
    if not isinstance(found, list | tuple) or not found:
        raise ExpectationsFileError(
            f"{path}: expected {LIST_NAME} = [...], a list of expectations such as those of"
            f" flight_recorder.testing; found {type(found).__name__}"
        )
    if wrong := [one for one in found if not isinstance(one, Expectation)]:
        raise ExpectationsFileError(
            f"{path}: {LIST_NAME} has a {type(wrong[0]).__name__}, expected only expectations"
        )
    return found
