"""The bench: time, memory, and what the instrumentation costs.

`make bench` prints it and no test asserts it: figures of one machine say little on another, ratios
within one run do.
"""

import asyncio
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scenarios.quiet import quieted
from scenarios.shelf import folder, load
from workflows.model import Model

PLAYED = "summarizer_never_sees_the_draft"
HEALTHY = "review_goes_well"
ROUNDS = 15


def main() -> None:
    """Measure, and print; with `--json` for programs."""
    told = Console(stderr=True)
    figures: dict[str, Mapping[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch, quieted():
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
            table.add_row(title, figure, f"{value:,.2f}")
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


def instrumentation(store: str) -> dict[str, float]:
    """The CPU of one review uninstrumented, under plain autolog and under ours, in turn.

    The server has a process of its own, so that its work is not counted. The export is.
    """
    modes: dict[str, Callable[[], AbstractContextManager[object]]] = {
        "none": nullcontext,
        "plain autolog": lambda: _autologged(store),
        "ours": lambda: _ours(store),
    }
    spent: dict[str, list[float]] = {mode: [] for mode in modes}
    callers: dict[str, list[float]] = {mode: [] for mode in modes}
    with _server() as url:
        for turn in range(ROUNDS + 2):
            for mode, instrumented in modes.items():
                with instrumented():
                    all_threads, caller = _reviewed(url, mode)
                if turn > 1:  # the first rounds pay for imports and caches
                    spent[mode].append(all_threads)
                    callers[mode].append(caller)
    none, plain, ours = (statistics.median(spent[mode]) * 1000 for mode in modes)
    waited = statistics.median(callers["ours"]) - statistics.median(callers["none"])
    plain_over_none, ours_over_plain = (
        statistics.median(a / b for a, b in zip(spent[over], spent[under], strict=True))
        for over, under in (("plain autolog", "none"), ("ours", "plain autolog"))
    )
    spans = sum(1 for _ in _recorded_spans())
    return {
        "uninstrumented: CPU ms a run": none,
        "plain autolog: CPU ms a run": plain,
        "ours: CPU ms a run": ours,
        "plain autolog / none": plain_over_none,
        "ours / plain autolog (aim: 1.15)": ours_over_plain,
        "spans a run, ours": spans,
        "ours: µs a span, stored": (ours - none) * 1000 / spans,
        "ours: µs a span, on the caller": waited * 1e6 / spans,
    }


MEASURES: dict[str, Callable[[str], dict[str, float]]] = {
    "one scenario, whole process": whole_process,
    "replay server": replay_server,
    "instrumentation": instrumentation,
}


def _reviewed(url: str, mode: str) -> tuple[float, float]:
    """CPU seconds of one review and the storing of its trace; of all threads, and of its own."""
    import mlflow

    from workflows.graphflow_review import review

    page = load(HEALTHY)
    urllib.request.urlopen(urllib.request.Request(f"{url}/rewind", method="POST")).read()
    model = Model("taped", f"{url}/v1", "taped")
    if mode == "none":
        mlflow.tracing.disable()
    began, own = time.process_time(), time.thread_time()
    asyncio.run(review(page.task, model))
    own = time.thread_time() - own
    if mode != "none":
        mlflow.flush_trace_async_logging()
    spent = time.process_time() - began
    mlflow.tracing.enable()
    return spent, own


@contextmanager
def _autologged(store: str) -> Iterator[None]:
    import mlflow

    mlflow.set_tracking_uri(store)
    mlflow.set_experiment("bench")
    mlflow.autogen.autolog(silent=True)
    try:
        yield
    finally:
        mlflow.autogen.autolog(disable=True, silent=True)


@contextmanager
def _ours(store: str) -> Iterator[None]:
    from instrumentation.tracing import recorded, traced

    with traced(store, "bench"), recorded():
        yield


@contextmanager
def _server() -> Iterator[str]:
    command = [sys.executable, "-m", "scenarios", "serve", str(folder(HEALTHY).tape)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            said = (re.search(r"http://[\d.:]+", line) for line in server.stdout)
            yield next(found[0] for found in said if found)
        finally:
            server.kill()


def _recorded_spans() -> Iterator[object]:
    from instrumentation.canonical import read

    return iter(read(folder(HEALTHY).recorded("twin")))


if __name__ == "__main__":
    main()
