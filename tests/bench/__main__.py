"""Run all benchmarks: time, memory, and the overhead of instrumentation.

`python -m tests.bench [--json]`. Figures of one machine say little about another; ratios within one
run can be compared.
"""

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scenarios.cli.startup import quiet_frameworks

SCENARIO = "summarizer_never_sees_the_draft"

Figures = Mapping[str, float | str]


def main() -> None:
    """Run each benchmark and print a table, or JSON with `--json`."""
    progress = Console(stderr=True)
    figures: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as scratch, quiet_frameworks():
        store = f"sqlite:///{Path(scratch) / 'mlflow.db'}"
        for title, measure in MEASURES.items():
            progress.print(f"measuring {title} …")
            figures[title] = measure(store)
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
        return
    table = Table("benchmark", "figure", "value", box=None)
    for title, measured in figures.items():
        for figure, value in measured.items():
            table.add_row(title, figure, value if isinstance(value, str) else f"{value:,.2f}")
    Console().print(table)


def bench_scenario_process(store: str) -> dict[str, float]:
    """Time `python -m scenarios run` in a process of its own: first run, warm runs, peak memory."""
    command = [sys.executable, "-m", "scenarios", "run", SCENARIO]
    environment = os.environ | {"MLFLOW_TRACKING_URI": store}
    walls = []
    for _ in range(4):
        began = time.perf_counter()
        subprocess.run(command, env=environment, capture_output=True, check=True)
        walls.append(time.perf_counter() - began)
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "first, with a new store: s": walls[0],
        "warm, median of 3: s": statistics.median(walls[1:]),
        "peak memory: MiB": peak_kib / 1024,
    }


def bench_replay_server(_: str) -> dict[str, float]:
    """Measure the requests per second of the replay server, in a process of its own."""
    from tests.bench.replay_server import run_benchmark

    return {f"{kind}: requests/s": rate for kind, rate in run_benchmark().items()}


def bench_instrumentation(store: str) -> Figures:
    """Measure the overhead of tracing a review, with the server in a process of its own."""
    from tests.bench.review import HEALTHY, run_benchmark

    with _serve(HEALTHY) as url:
        return run_benchmark(url, store)


def bench_instrumentors(framework: str, _: str) -> Figures:
    """Measure the overhead of each instrumentor on one tape, and the bytes that it stores."""
    from tests.bench.instrumentors import run_benchmark

    return run_benchmark(framework)


def bench_streamed_reply(store: str) -> Figures:
    """Measure the time that recording adds to the first token and to each event of a stream."""
    from tests.bench.streamed_reply import run_benchmark, write_tape

    with tempfile.TemporaryDirectory() as scratch, _serve(str(write_tape(Path(scratch)))) as url:
        return run_benchmark(url, store)


def bench_module(module: str, store: str) -> Figures:
    """Run the benchmark of a module that needs no server."""
    figures: Figures = import_module(f"tests.bench.{module}").run_benchmark(store)
    return figures


MEASURES: dict[str, Callable[[str], Figures]] = {
    "one scenario, whole process": bench_scenario_process,
    "replay server": bench_replay_server,
    "instrumentation": bench_instrumentation,
    "record and replay": partial(bench_module, "record_and_replay"),
    "streamed reply": bench_streamed_reply,
    "fan-out": partial(bench_module, "fan_out"),
    "redaction": partial(bench_module, "redaction"),
    "a burst": partial(bench_module, "span_burst"),
    "long use": partial(bench_module, "long_use"),
    "export": partial(bench_module, "otlp_export"),
    "search": partial(bench_module, "trace_search"),
    "diagnosis": partial(bench_module, "diagnosis"),
    "trace import": partial(bench_module, "trace_import"),
    "instrumentors, crewai": partial(bench_instrumentors, "crewai"),
    "instrumentors, autogen": partial(bench_instrumentors, "autogen"),
    "instrumentors, openai": partial(bench_instrumentors, "openai"),
}


@contextmanager
def _serve(scenario: str) -> Iterator[str]:
    """Serve a scenario's tape in another process, whose CPU time is not counted; yield the URL."""
    command = [sys.executable, "-m", "scenarios", "serve", scenario]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            matches = (re.search(r"http://[\d.:]+", line) for line in server.stdout)
            yield next(found[0] for found in matches if found)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
