"""Run jobs in child processes: a job is the cases of a framework under one instrumentor."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Self

from integrations.cases.case import Case
from integrations.goldens.golden_file import Golden, golden_path, load_golden
from integrations.instrumentors.registry import INSTRUMENTORS_BY_NAME
from integrations.runner.case_process import CaseProcess
from integrations.runner.case_result import CaseResult, evaluate_run
from integrations.runner.case_run import CaseRun, run_cases_in_child

MAX_PARALLEL = 2
"""How many jobs run at the same time. Each loads a framework in a process of its own."""

OnProgress = Callable[[str], None]
"""Called with one line of text when something has finished."""


@dataclass(frozen=True)
class Job:
    """The cases of one framework to run under one instrumentor. `python` is the interpreter."""

    environment_name: str
    python: Path
    instrumentor: str
    cases: tuple[Case, ...]

    @property
    def framework(self) -> str:
        return self.cases[0].framework

    @property
    def unsupported(self) -> str:
        """Why the instrumentor cannot record the framework by design; empty if it can."""
        return INSTRUMENTORS_BY_NAME[self.instrumentor].unsupported.get(self.framework, "")


@dataclass(frozen=True)
class JobResult:
    """The results of a job, and its duration in seconds."""

    job: Job
    case_results: tuple[CaseResult, ...]
    duration_s: float


def group_by_framework(
    cases: Sequence[Case], frameworks: Sequence[str]
) -> Iterator[tuple[Case, ...]]:
    """Yield the cases of each of these frameworks."""
    for framework, group in groupby(cases, key=lambda case: case.framework):
        if framework in frameworks:
            yield tuple(group)


class JobRunner:
    """Runs jobs in the threads of its pool. At the end of its context it stops those that run."""

    def __init__(self, on_progress: OnProgress) -> None:
        self.pool = ThreadPoolExecutor(MAX_PARALLEL)
        self._on_progress = on_progress
        self._lock = Lock()
        self._processes: list[CaseProcess] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
        self.pool.shutdown(cancel_futures=True)

    def submit(self, job: Job) -> Future[JobResult]:
        """Run a job in the pool."""
        return self.pool.submit(self.run_job, job)

    def run_job(self, job: Job) -> JobResult:
        """Run all cases of a job; after `close`, return the results so far."""
        start, results = perf_counter(), []
        for run in self._case_runs(job):
            if self._closed:
                break
            results.append(evaluate_run(run, _load_golden(run.case)))
        result = JobResult(job, tuple(results), perf_counter() - start)
        if not self._closed:  # otherwise the job has not finished
            self._on_progress(_progress_line(result))
        return result

    def _case_runs(self, job: Job) -> Iterator[CaseRun]:
        if not job.unsupported:
            return run_cases_in_child(
                job.python, job.instrumentor, job.cases, self._on_process_start
            )
        return (CaseRun(case, job.instrumentor, unsupported=job.unsupported) for case in job.cases)

    def close(self) -> None:
        """Kill all child processes, and start none any more."""
        with self._lock:
            self._closed = True
            for each in self._processes:
                each.process.kill()

    def _on_process_start(self, case_process: CaseProcess) -> None:
        with self._lock:
            self._processes.append(case_process)
            if self._closed:
                case_process.process.kill()


def _load_golden(case: Case) -> Golden | None:
    """Return the golden of a case, or None if none was accepted yet. Raises `GoldenFileError`."""
    path = golden_path(case.framework, case.name)
    return load_golden(path) if path.is_file() else None


def _progress_line(result: JobResult) -> str:
    job, counted = result.job, [each for each in result.case_results if not each.unsupported]
    complete = sum(each.is_complete for each in counted)
    outcome = (
        f"{complete} of {len(counted)} cases complete"
        if counted
        else result.case_results[0].unsupported
    )
    where = f"{job.environment_name}: {job.framework}, {job.instrumentor}"
    return f"{where}: {outcome} ({result.duration_s:.0f} s)"
