"""The bench: time, memory, and what the instrumentation costs.

`make bench` prints it and no test asserts it: figures of one machine say little on another, ratios
within one run do.
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

from scenarios.cli.quiet_frameworks import quiet_frameworks

PLAYED = "summarizer_never_sees_the_draft"

Figures = Mapping[str, float | str]


def main() -> None:
    """Measure, and print; with `--json` for programs."""
    told = Console(stderr=True)
    figures: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as scratch, quiet_frameworks():
        store = f"sqlite:///{Path(scratch) / 'mlflow.db'}"
        for title, measure in MEASURES.items():
            told.print(f"measuring {title} …")
            figures[title] = measure(store)
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
        return
    table = Table("what", "figure", "value", box=None)
    for title, measured in figures.items():
        for figure, value in measured.items():
            table.add_row(title, figure, value if isinstance(value, str) else f"{value:,.2f}")
    Console().print(table)


def whole_process(store: str) -> dict[str, float]:
    """`python -m scenarios run`, as a process of its own, on a store that is there already."""
    command = [sys.executable, "-m", "scenarios", "run", PLAYED]
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


def replay_server(_: str) -> dict[str, float]:
    """Requests a second of the replay server, in a process of its own."""
    from tests.bench_replay import measured

    return {f"{kind}: requests/s": rate for kind, rate in measured().items()}


def instrumentation(store: str) -> Figures:
    """What the instrumentation costs one review, whose server has a process of its own."""
    from tests.bench_review import HEALTHY, measured

    with _server(HEALTHY) as url:
        return measured(url, store)


def instrumentors(framework: str, _: str) -> Figures:
    """What each instrumentor costs on one tape of the framework, and how much it keeps."""
    from tests.bench_instrumentors import measured

    return measured(framework)


def streamed_reply(store: str) -> Figures:
    """What recording each event of a streamed reply adds to its first token, and to each event."""
    from tests.bench_stream import measured, taped

    with tempfile.TemporaryDirectory() as scratch, _server(str(taped(Path(scratch)))) as url:
        return measured(url, store)


def part(module: str, store: str) -> Figures:
    """What a part of the bench measures that has a module and needs no server of ours."""
    measured: Figures = import_module(f"tests.{module}").measured(store)
    return measured


MEASURES: dict[str, Callable[[str], Figures]] = {
    "one scenario, whole process": whole_process,
    "replay server": replay_server,
    "instrumentation": instrumentation,
    "streamed reply": streamed_reply,
    "fan-out": partial(part, "bench_fanout"),
    "redaction": partial(part, "bench_redaction"),
    "a burst": partial(part, "bench_burst"),
    "export": partial(part, "bench_export"),
    "search": partial(part, "bench_search"),
    "instrumentors, crewai": partial(instrumentors, "crewai"),
    "instrumentors, autogen": partial(instrumentors, "autogen"),
    "instrumentors, openai": partial(instrumentors, "openai"),
}


@contextmanager
def _server(scenario: str) -> Iterator[str]:
    """Where a scenario's tape is played, by a process whose work is not counted."""
    command = [sys.executable, "-m", "scenarios", "serve", scenario]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            said = (re.search(r"http://[\d.:]+", line) for line in server.stdout)
            yield next(found[0] for found in said if found)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
