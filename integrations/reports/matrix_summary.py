"""A summary of a cell: the one line that says how it went, and the sentences that say why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from integrations.gaps.gap import Gap
from integrations.matrix.matrix import Flown
from integrations.reports.case_names import named, some
from integrations.reports.change_summary import drifts, edits
from integrations.reports.responsive_table import NONE
from integrations.runner.case_result import Row
from scenarios.tape.drift import SEVERITIES

HEADINGS = (
    "cell",
    "verdict",
    "cases whole",
    "known gaps",
    "trees changed",
    "prompts changed",
    "built",
    "flown",
    "disk",
)
"""Of what `line` says."""
KNOWN = "known gaps"


@dataclass(frozen=True)
class Detail:
    """What is to be said of a cell under one heading, the worst first."""

    heading: str
    sentences: tuple[str, ...]


def line(flown: Flown) -> tuple[str, ...]:
    """A cell of the table for each heading."""
    verdict = "passed" if flown.passed else "FAILED"
    if flown.environment is None:
        return (flown.cell.name, verdict, "not installable", *[NONE] * (len(HEADINGS) - 3))
    changed = [row for row in flown.rows if row.edits]
    return (
        flown.cell.name,
        verdict,
        _whole(flown.rows),
        "the table's" if flown.held and not flown.gaps else str(len(known(flown))),
        str(len(changed)),
        _drift(flown.rows),
        NONE if flown.cell.locked else f"{flown.environment.took_s:.0f} s",
        f"{flown.took_s:.0f} s",
        f"{flown.environment.disk_bytes / 1e6:,.0f} MB",
    )


def details(flown: Flown) -> Iterator[Detail]:
    """What there is to say beside the line, by heading; nothing where all is as it should be."""
    if flown.why_not and flown.passed:
        yield Detail("not installable, as declared", (flown.why_not,))
    told = (
        Detail("what fails it", flown.troubles),
        Detail("went otherwise than the case says", tuple(_troubled(flown.rows))),
        Detail("not there", tuple(_absent(flown.rows))),
        Detail(KNOWN, tuple(_known(flown))),
        Detail("what the trees tell otherwise than their goldens", tuple(edits(flown.rows))),
        Detail("what the prompts say otherwise than their goldens", tuple(drifts(flown.rows))),
    )
    yield from (each for each in told if each.sentences)


def known(flown: Flown) -> Mapping[Gap, tuple[str, ...]]:
    """The declared gaps that are seen, each with the instrumentors that have it."""
    seen: dict[Gap, list[str]] = {}
    for each in flown.gaps:
        for gap in each.known:
            seen.setdefault(gap, []).append(each.instrumentor)
    return {gap: tuple(instrumentors) for gap, instrumentors in seen.items()}


def _whole(rows: Sequence[Row]) -> str:
    """For each instrumentor, of how many cases all was told: a line each."""
    by_instrumentor: dict[str, list[Row]] = {}
    for row in rows:
        by_instrumentor.setdefault(row.instrumentor, []).append(row)
    told = []
    for instrumentor, its in by_instrumentor.items():
        there = [row for row in its if not row.absent]
        whole = sum(row.whole for row in there)
        told.append(f"{instrumentor} {whole}/{len(there)}" if there else f"{instrumentor} none")
    return ",\n".join(told)


def _drift(rows: Iterable[Row]) -> str:
    """How many cases ask otherwise, and how badly at worst."""
    drifted = [row for row in rows if row.drifts]
    severities = [drift.severity for row in drifted for drift in row.drifts]
    return (
        f"{len(set(map(named, drifted)))} ({max(severities, key=SEVERITIES.index)})"
        if severities
        else "0"
    )


def _troubled(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        if row.trouble:
            yield f"{named(row)}, {row.instrumentor}: {row.trouble}"


def _absent(rows: Iterable[Row]) -> Iterator[str]:
    lacking: dict[str, list[str]] = {}
    for row in rows:
        if row.absent:
            lacking.setdefault(f"{row.instrumentor}: {row.absent}", []).append(named(row))
    for why, cases in lacking.items():
        yield f"{why} ({some(cases)})"


def _known(flown: Flown) -> Iterator[str]:
    for gap, instrumentors in known(flown).items():
        mended = f"; mended by our patch {gap.patch}" if gap.patch else ""
        who = ", ".join(instrumentors)
        yield f"{gap.name} ({gap.framework}; {who}): {gap.symptom}; {gap.upstream}{mended}"
