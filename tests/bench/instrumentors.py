"""Benchmark of the instrumentors: the CPU time and the storage that each needs for the same tape.

Each instrumentor has a child process, and one process records nothing. They run the case in turn,
round by round, so that other load on the machine affects all of them. CPU time is that of all
threads of a process, until its spans are stored. Instrumentors on OpenTelemetry keep their spans in
memory and those on MLflow write to SQLite, so compare only figures of the same kind.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from integrations.cases.all_cases import all_cases
from integrations.cases.case import Case
from integrations.environments.build import find_environment
from integrations.environments.uv import InstallError
from integrations.instrumentors.registry import INSTRUMENTORS, Instrumentor
from integrations.runner.case_process import CaseProcess, start_case_process
from scenarios.replay.replay_server import replay_tape

BENCHMARK_CASES = {"crewai": "parallel_tools", "autogen": "graphflow_run", "openai": "tool_calls"}
"""The case of each framework that is run."""
ROUNDS = 10
WARM_UP = 2  # the first rounds pay for imports and caches
START_S = 120.0
ROUND_S = 60.0

Figures = dict[str, float | str]
JobResults = list[dict[str, Any]]


def run_benchmark(
    framework: str, rounds: int = ROUNDS, instrumentors: Sequence[Instrumentor] = INSTRUMENTORS
) -> Figures:
    """Return, per instrumentor: CPU relative to none, µs per span, bytes stored."""
    (case,) = (each for each in all_cases(framework) if each.name == BENCHMARK_CASES[framework])
    results: dict[str, JobResults] = {}
    with _start_processes(framework, instrumentors) as children:
        for _ in range(WARM_UP + rounds):
            for name, process in children.items():
                results.setdefault(name, []).append(_run_case(process, case))
    measured_results = {name: every[WARM_UP:] for name, every in results.items()}
    none = measured_results.pop("none")
    figures: Figures = {"uninstrumented: CPU ms a run": median(_cpu_ms(none))}
    for name, own in measured_results.items():
        figures |= {f"{name}: {what}": value for what, value in _figures(none, own).items()}
    return figures


def _figures(none: JobResults, results: JobResults) -> Mapping[str, float | str]:
    pairs = list(zip(_cpu_ms(none), _cpu_ms(results), strict=True))
    spans = median(map(_count_spans, results))
    more_us = median(after - before for before, after in pairs) * 1000
    return {
        "CPU / none": median(after / before for before, after in pairs),
        "µs a span": more_us / spans if spans else "no span",
        "spans": spans,
        "kB kept": median(result["bytes"] for result in results) / 1000,
    }


def _cpu_ms(results: JobResults) -> list[float]:
    return [result["cpu_s"] * 1000 for result in results]


def _count_spans(result: dict[str, Any]) -> int:
    return len(result["spans"]) + sum(len(trace["data"]["spans"]) for trace in result["traces"])


def _run_case(process: CaseProcess, case: Case) -> dict[str, Any]:
    with replay_tape(case.tape, case.faults, strict=False) as replay:
        return process.run_job({"case": case.name, "base_url": replay.base_url}, ROUND_S)


@contextmanager
def _start_processes(
    framework: str, instrumentors: Sequence[Instrumentor]
) -> Generator[dict[str, CaseProcess]]:
    """Start a process for each instrumentor whose environment has been built."""
    with ExitStack() as stack, TemporaryDirectory() as folder:
        children = {}
        for number, (name, python) in enumerate(_pythons(framework, instrumentors)):
            scratch = Path(folder, str(number))
            scratch.mkdir()
            store = f"sqlite:///{scratch / 'mlflow.db'}"
            children[name] = stack.enter_context(
                start_case_process(python, name, framework, store, scratch)
            )
        yield {
            name: process
            for name, process in children.items()
            if "ready" in process.read_message(START_S)
        }


def _pythons(framework: str, instrumentors: Sequence[Instrumentor]) -> Iterator[tuple[str, Path]]:
    """Yield the instrumentors that support the framework, if their environment has been built."""
    yield "none", find_environment().python
    for instrumentor in instrumentors:
        if framework not in instrumentor.unsupported:
            with suppress(InstallError):
                yield instrumentor.name, find_environment(instrumentor.environment_name).python
