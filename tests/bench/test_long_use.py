"""A process keeps nothing for the runs that it has traced. No test asserts a time."""

import gc

import mlflow
import pytest

from instrumentation.tracing import enable_tracing, record_run
from tests.bench.long_use import PROGRAMS, count_objects, measure_in_subprocess

RUNS = 50
CACHED = 30
"""Objects per run in caches, of SQL statements above all. Some 800 of them may fill at any time."""


@pytest.mark.long
@pytest.mark.parametrize("framework", PROGRAMS)
def test_a_process_keeps_no_objects_of_runs_that_are_stored(framework: str) -> None:
    growth = measure_in_subprocess(framework, RUNS)
    assert growth["objects of tracing kept per run"] < 1
    assert growth["objects kept per run"] < CACHED


def test_a_process_keeps_little_of_each_time_that_tracing_was_on(store: str) -> None:
    def trace_runs(count: int) -> int:
        for _ in range(count):
            with enable_tracing(store, frameworks=()), record_run(), mlflow.start_span("run"):
                pass
        gc.collect()
        return count_objects()[0]

    objects = trace_runs(3)
    # OpenTelemetry registers two fork hooks of each tracer provider, which Python never forgets.
    assert (trace_runs(10) - objects) / 10 < 60
