"""Report the comparison of two recordings: for people in sentences, for programs as JSON."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from scenarios.programs.recording_comparison.comparison import RecordingDiagnosis
from scenarios.reports.wording import count_of

MAX_LISTED = 20


def to_json(diagnosis: RecordingDiagnosis, *, is_written: bool) -> dict[str, Any]:
    """Return the comparison as JSON values."""
    return {
        "equal": diagnosis.equal,
        "volatile": [
            part.rule.to_json() | {"lines": [list(pair) for pair in part.locations]}
            for part in diagnosis.volatile
        ],
        "written": is_written and bool(diagnosis.rules),
        "differences": [
            {"lines": [one.location, one.other_location], "changes": list(one.changes)}
            for one in diagnosis.differences
        ],
        "unpaired": [line.location for line in diagnosis.unpaired],
    }


def describe(
    diagnosis: RecordingDiagnosis, tape: Path, other: Path, *, is_written: bool
) -> Iterator[str]:
    """Yield sentences: counts, proposed rules, and what no rule explains."""
    is_or_are = "is" if diagnosis.equal == 1 else "are"
    yield f"{count_of(diagnosis.equal, 'request')} {is_or_are} equal on {tape} and {other}"
    for part in diagnosis.volatile:
        yield f"volatile: {part.rule.name}, pattern {part.rule.pattern}"
        yield from _listed([f"{one} and {twin}" for one, twin in part.locations])
    for one in diagnosis.differences:
        yield f"different: {one.location} and {one.other_location}"
        yield from _listed(list(one.changes))
    yield from (f"only on one tape: {line}" for line in diagnosis.unpaired)
    if diagnosis.rules and is_written:
        rules = count_of(len(diagnosis.rules), "rule")
        yield f"wrote {rules} to the headers of {tape} and {other}"
    elif diagnosis.rules:
        yield f"to leave these parts out: python -m scenarios doctor {tape} {other} --write"


def _listed(entries: list[str]) -> Iterator[str]:
    yield from (f"  {entry}" for entry in islice(entries, MAX_LISTED))
    if len(entries) > MAX_LISTED:
        yield f"  … {len(entries)} in total"
