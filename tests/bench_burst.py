"""A burst on the bench: 10,000 spans under MLflow's defaults and under ours.

Each in a process of its own, on a new store: what is stored of it, what it costs the program, and
how long until all of it is stored.
"""

import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

SPANS = 10_000
HOUSE = Path(__file__).parent.parent
WAYS = ("MLflow alone", "ours", "ours, unredacted")
TRACES = (10, 500)


def measured(_: str) -> dict[str, float | str]:
    """The figures of each way, for few long traces and for many short ones; each in a new store."""
    figures: dict[str, float | str] = {}
    for traces in TRACES:
        for way in WAYS:
            with tempfile.TemporaryDirectory() as scratch:
                database = Path(scratch) / "mlflow.db"
                told = _burst(way, traces, database)
                stored = _count(database)
            told |= {"stored": stored, "lost": SPANS - stored}
            figures |= {f"{traces} traces, {way}: {what}": told[what] for what in sorted(told)}
    return figures


def _burst(way: str, traces: int, database: Path) -> dict[str, float]:
    """What a process of its own says of its burst."""
    command = [sys.executable, "-m", "tests.bench_burst", way, str(traces), f"sqlite:///{database}"]
    quiet = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(command, cwd=HOUSE, env=quiet, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def _count(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        ((count,),) = connection.execute("select count(*) from spans where name = 'burst'")
    return int(count)


def burst(way: str, traces: int, tracking_uri: str) -> dict[str, float]:
    """Make the spans, in this process: the program's µs a span, seconds until stored, memory."""
    import mlflow

    from instrumentation.redaction.redaction import DEFAULT_REDACTION
    from instrumentation.tracing import enable_tracing

    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment("burst")
    redaction = DEFAULT_REDACTION if way == "ours" else None
    recorder = enable_tracing(tracking_uri, experiment="burst", frameworks=(), redaction=redaction)
    with nullcontext() if way == WAYS[0] else recorder:
        with mlflow.start_span("warm"):
            pass
        mlflow.flush_trace_async_logging()
        before = peak_kib()
        began = time.perf_counter()
        for _ in range(traces):
            with mlflow.start_span("burst"):
                for _ in range(SPANS // traces - 1):
                    with mlflow.start_span("burst", span_type="LLM") as span:
                        span.set_inputs("What does it cost? " * 25)
        called_s = time.perf_counter() - began
        mlflow.flush_trace_async_logging()
    peak = peak_kib()
    return {
        "caller: µs/span": called_s / SPANS * 1e6,
        "until stored: s": time.perf_counter() - began,
        "peak memory, over idle: MiB": (peak - before) / 1024,
    }


def peak_kib() -> int:
    """The most memory that this program has had. `getrusage` counts what its parent had, too."""
    status = Path("/proc/self/status")
    if not status.exists():  # no Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


if __name__ == "__main__":
    print(json.dumps(burst(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
