"""Measure the fidelity table: what each instrumentor records of each case."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from integrations.cases.case import Case
from integrations.environments.build import Environment, find_environment
from integrations.environments.uv import InstallError
from integrations.gaps.gap import OUTCOME
from integrations.instrumentors.registry import Instrumentor
from integrations.measures.run_counts import MEASURES
from integrations.runner.case_result import CaseResult
from integrations.runner.jobs import Job, JobResult, JobRunner, OnProgress, group_by_framework
from scenarios.player.fidelity import FidelityCount

COMPLETE = "complete"
NOTHING_RECORDED = "nothing"
NOT_APPLICABLE = "none"
DIFFERENT_OUTCOME = "different outcome"

ALWAYS_LISTED_PACKAGES = ("crewai", "autogen-agentchat", "openai")
"""Packages whose versions are listed for every instrumentor."""

EntryKey = tuple[str, str, str]
"""Framework, case, instrumentor."""

NOT_MEASURED = "–"


@dataclass(frozen=True)
class TableEntry:
    """The counts of a case by measure, or the reason why there are none.

    Attributes:
        counts: Happened and recorded, by measure.
        not_applicable: Why nothing is expected to be recorded.
        problem: How the run differs from the ground truth of its case, because of the instrumentor.
    """

    counts: Mapping[str, FidelityCount] = field(default_factory=dict)
    not_applicable: str = ""
    problem: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether everything that happened was recorded, once."""
        return not self.not_applicable and not self.problem and not self.incomplete_counts

    @property
    def incomplete_counts(self) -> dict[str, FidelityCount]:
        """The counts whose two numbers differ, by measure."""
        return {name: count for name, count in self.counts.items() if not count.is_equal}

    @property
    def summary(self) -> tuple[str, ...]:
        """One word, or a short text for each incomplete measure."""
        if self.not_applicable or self.problem:
            return (NOT_APPLICABLE if self.not_applicable else DIFFERENT_OUTCOME,)
        if self.incomplete_counts and not any(count.trace for count in self.counts.values()):
            return (NOTHING_RECORDED,)
        return tuple(self._incomplete_measures()) or (COMPLETE,)

    def _incomplete_measures(self) -> Iterator[str]:
        for measure, count in self.incomplete_counts.items():
            of_ledger = f"/{count.ledger}" if count.ledger else ""
            yield f"{measure} {count.trace}{of_ledger}"


def entry_from_result(result: CaseResult) -> TableEntry:
    """Return the entry of a case that was run."""
    if OUTCOME in result.counts:
        return TableEntry(problem=result.problem.partition("\n")[0])
    return TableEntry(result.counts, not_applicable=result.unsupported)


@dataclass(frozen=True)
class FidelityTable:
    """The table.

    Attributes:
        versions: Package versions, by instrumentor and package.
        titles: Titles of the cases, by framework and case, in the order of the rows.
        entries: The entries.
    """

    versions: Mapping[str, Mapping[str, str]]
    titles: Mapping[str, Mapping[str, str]]
    entries: Mapping[EntryKey, TableEntry]

    def entries_of(self, instrumentor: str) -> Iterator[TableEntry]:
        """Yield the entries of an instrumentor."""
        return (each for (_, _, name), each in self.entries.items() if name == instrumentor)


def measure_table(
    instrumentors: Sequence[Instrumentor], cases: Sequence[Case], on_progress: OnProgress
) -> FidelityTable:
    """Run all cases under all instrumentors, one process per instrumentor and framework.

    Instrumentors whose environment has not been built are left out and reported to `on_progress`.
    If this is interrupted, the child processes are killed.
    """
    environments = dict(_available_environments(instrumentors, on_progress))
    with JobRunner(on_progress) as runner:
        running = [
            runner.submit(job)
            for instrumentor, environment in environments.items()
            for job in _jobs(instrumentor, environment, cases)
        ]
        results = [each.result() for each in running]
    return FidelityTable(
        {each.name: _versions(each, environment) for each, environment in environments.items()},
        {
            group[0].framework: {case.name: case.title for case in group}
            for group in _by_framework(cases)
        },
        dict(_entries(tuple(environments), cases, results)),
    )


def _available_environments(
    instrumentors: Sequence[Instrumentor], on_progress: OnProgress
) -> Iterator[tuple[Instrumentor, Environment]]:
    for instrumentor in instrumentors:
        try:
            yield instrumentor, find_environment(instrumentor.environment_name)
        except InstallError as error:
            on_progress(f"{instrumentor.name} is left out: {error}")


def _versions(instrumentor: Instrumentor, environment: Environment) -> dict[str, str]:
    packages = (*ALWAYS_LISTED_PACKAGES, *instrumentor.packages)
    return {name: environment.packages[name] for name in packages}


def _by_framework(cases: Sequence[Case]) -> Iterator[tuple[Case, ...]]:
    return group_by_framework(cases, tuple({case.framework for case in cases}))


def _jobs(
    instrumentor: Instrumentor, environment: Environment, cases: Sequence[Case]
) -> Iterator[Job]:
    name = instrumentor.environment_name or "locked"
    for group in _by_framework(cases):
        yield Job(name, environment.python, instrumentor.name, group)


def _entries(
    instrumentors: Sequence[Instrumentor], cases: Sequence[Case], job_results: Sequence[JobResult]
) -> Iterator[tuple[EntryKey, TableEntry]]:
    """Yield the entries case by case, and within a case by instrumentor."""
    entries = {
        (result.case.framework, result.case.name, result.instrumentor): entry_from_result(result)
        for each in job_results
        for result in each.case_results
    }
    for case in cases:
        for instrumentor in instrumentors:
            key = (case.framework, case.name, instrumentor.name)
            yield key, entries[key]


@dataclass(frozen=True)
class MeasureTotal:
    """The total of a measure.

    Attributes:
        happened: How often it happened.
        recorded: How many of these were recorded.
        excess: How many more were recorded: doubled, or never happened.
        is_unwanted: Whether nothing should be recorded at all, as of leaks.
    """

    happened: int
    recorded: int
    excess: int
    is_unwanted: bool = False

    def __str__(self) -> str:
        """Return a percentage, rounded down, and the excess; of unwanted measures the number."""
        if self.is_unwanted:
            return str(self.excess)
        share = f"{100 * self.recorded // self.happened}%" if self.happened else NOT_MEASURED
        return f"{share} +{self.excess}" if self.excess else share


def measure_totals(entries: Iterable[TableEntry]) -> Iterator[tuple[str, MeasureTotal]]:
    """Yield each measure with its total over all entries that were counted."""
    entries = list(entries)
    for measure in MEASURES:
        counts = [entry.counts[measure] for entry in entries if measure in entry.counts]
        total = MeasureTotal(
            happened=sum(count.ledger for count in counts),
            recorded=sum(min(count.ledger, count.trace) for count in counts),
            excess=sum(max(count.trace - count.ledger, 0) for count in counts),
            is_unwanted=measure == "leaks",
        )
        yield measure, total


def complete_share(entries: Iterable[TableEntry]) -> str:
    """Return how many entries are complete, as in "12/16"."""
    applicable = [entry for entry in entries if not entry.not_applicable]
    complete = sum(entry.is_complete for entry in applicable)
    return f"{complete}/{len(applicable)}" if applicable else NOT_MEASURED
