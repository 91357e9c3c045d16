"""A sortie: the cases of one framework, flown under one instrumentor in one cell's environment."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from threading import Lock
from time import perf_counter

from integrations.cases.case import Case
from integrations.goldens.golden_file import Golden, golden_path, load_golden
from integrations.instrumentors.registry import INSTRUMENTORS_BY_NAME
from integrations.runner.case_process import CaseProcess
from integrations.runner.case_result import CaseResult, evaluate_run
from integrations.runner.case_run import CaseRun, run_cases

OnProgress = Callable[[str], None]
"""Is told a line of what has just ended."""


@dataclass(frozen=True)
class Job:
    """What is to be flown: all `cases` are of one framework."""

    environment_name: str
    python: Path
    instrumentor: str
    cases: tuple[Case, ...]

    @property
    def framework(self) -> str:
        return self.cases[0].framework

    @property
    def unsupported(self) -> str:
        """Why nothing is told of the framework, where there is nothing to be turned on."""
        return INSTRUMENTORS_BY_NAME[self.instrumentor].unsupported.get(self.framework, "")


@dataclass(frozen=True)
class JobResult:
    """What came of one, and how long it took, in seconds."""

    job: Job
    case_results: tuple[CaseResult, ...]
    duration_s: float


def group_by_framework(
    cases: Sequence[Case], frameworks: Sequence[str]
) -> Iterator[tuple[Case, ...]]:
    """The cases of each framework that is wanted."""
    for framework, its in groupby(cases, key=lambda case: case.framework):
        if framework in frameworks:
            yield tuple(its)


class JobRunner:
    """Lets sorties fly, from whatever thread, and ends them all at once."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._progress = on_progress
        self._children: list[CaseProcess] = []
        self._closed, self._lock = False, Lock()

    def run_job(self, job: Job) -> JobResult:
        """Fly it; of one that is ended, the rows until then."""
        began, rows = perf_counter(), []
        for flight in self._case_runs(job):
            if self._closed:
                break
            rows.append(evaluate_run(flight, _load_golden(flight.case)))
        result = JobResult(job, tuple(rows), perf_counter() - began)
        if not self._closed:  # else it has not landed
            self._progress(_progress_line(result))
        return result

    def _case_runs(self, job: Job) -> Iterator[CaseRun]:
        if not job.unsupported:
            return run_cases(job.python, job.instrumentor, job.cases, self._on_process_start)
        return (CaseRun(case, job.instrumentor, unsupported=job.unsupported) for case in job.cases)

    def close(self) -> None:
        """End all that flies; nothing starts any more."""
        with self._lock:
            self._closed = True
            for each in self._children:
                each.process.kill()

    def _on_process_start(self, case_process: CaseProcess) -> None:
        with self._lock:
            self._children.append(case_process)
            if self._closed:
                case_process.process.kill()


def _load_golden(case: Case) -> Golden | None:
    """None where none was accepted yet. Raises `NoGolden` where it is none."""
    path = golden_path(case.framework, case.name)
    return load_golden(path) if path.is_file() else None


def _progress_line(result: JobResult) -> str:
    sortie, rows = result.job, result.case_results
    absent = [each for each in rows if each.unsupported]
    whole = sum(each.is_complete for each in rows if not each.unsupported)
    told = (
        f"{whole} of {len(rows) - len(absent)} cases whole"
        if len(absent) < len(rows)
        else absent[0].unsupported
    )
    where = f"{sortie.environment_name}: {sortie.framework}, {sortie.instrumentor}"
    return f"{where}: {told} ({result.duration_s:.0f} s)"
