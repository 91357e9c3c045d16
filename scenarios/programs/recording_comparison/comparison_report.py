"""Report the comparison of two recordings: for people in sentences, for programs as JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scenarios.programs.recording_comparison.comparison import RecordingComparison
from scenarios.reports.wording import count_of, list_entries

MAX_LISTED = 20


def comparison_to_json(
    comparison: RecordingComparison, *, rules_are_written: bool
) -> dict[str, Any]:
    """Return the comparison as JSON values."""
    return {
        "equal": comparison.equal,
        "volatile": [
            part.rule.to_json() | {"lines": [list(pair) for pair in part.locations]}
            for part in comparison.volatile
        ],
        "written": rules_are_written and bool(comparison.rules),
        "differences": [
            {"lines": [one.location, one.other_location], "changes": list(one.changes)}
            for one in comparison.differences
        ],
        "unpaired": [line.location for line in comparison.unpaired],
    }


def describe_comparison(
    comparison: RecordingComparison, tape: Path, other: Path, *, rules_are_written: bool
) -> Iterator[str]:
    """Yield sentences: counts, proposed rules, and what no rule explains."""
    is_or_are = "is" if comparison.equal == 1 else "are"
    yield f"{count_of(comparison.equal, 'request')} {is_or_are} equal on {tape} and {other}"
    for part in comparison.volatile:
        yield f"volatile: {part.rule.name}, pattern {part.rule.pattern}"
        yield from list_entries([f"{one} and {twin}" for one, twin in part.locations], MAX_LISTED)
    for one in comparison.differences:
        yield f"different: {one.location} and {one.other_location}"
        yield from list_entries(list(one.changes), MAX_LISTED)
    yield from (f"only on one tape: {line}" for line in comparison.unpaired)
    if comparison.rules and rules_are_written:
        rules = count_of(len(comparison.rules), "rule")
        yield f"wrote {rules} to the headers of {tape} and {other}"
    elif comparison.rules:
        yield f"to leave these parts out: python -m scenarios doctor {tape} {other} --write"
