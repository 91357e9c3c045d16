"""Benchmark a burst of 10,000 spans: MLflow alone, and `enable_tracing`.

Each mode runs in a process of its own, with a new store. The figures are the spans stored and lost,
the time on the caller, the time until all spans are stored and the process has ended, and memory.
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
PROJECT_ROOT = Path(__file__).parent.parent.parent
MODES = ("MLflow alone", "ours", "ours, unredacted")
TRACES = (10, 500, 10_000)


def run_benchmark(_: str) -> dict[str, float | str]:
    """Return the figures of each mode, for few long traces and for many short ones."""
    figures: dict[str, float | str] = {}
    for traces in TRACES:
        for mode in MODES:
            with tempfile.TemporaryDirectory() as scratch:
                database = Path(scratch) / "mlflow.db"
                burst = _burst_in_subprocess(mode, traces, database)
                stored = _count_stored_spans(database)
            burst |= {"stored": stored, "lost": SPANS - stored}
            figures |= {f"{traces} traces, {mode}: {what}": burst[what] for what in sorted(burst)}
    return figures


def _burst_in_subprocess(mode: str, traces: int, database: Path) -> dict[str, float]:
    """Run a burst in a process of its own and return its figures."""
    command = [
        sys.executable,
        "-m",
        "tests.bench.span_burst",
        mode,
        str(traces),
        f"sqlite:///{database}",
    ]
    quiet = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        command, cwd=PROJECT_ROOT, env=quiet, capture_output=True, text=True, check=True
    )
    burst: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    burst["from the last span to the end of the process: s"] = time.time() - burst.pop("ended")
    return burst


def _count_stored_spans(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        ((count,),) = connection.execute("select count(*) from spans where name = 'burst'")
    return int(count)


def write_burst(mode: str, traces: int, tracking_uri: str) -> dict[str, float]:
    """Write the spans in this process: µs per span on the caller, seconds until stored, memory."""
    import mlflow

    from instrumentation.redaction.redaction import DEFAULT_REDACTION
    from instrumentation.tracing import enable_tracing

    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment("burst")
    redaction = DEFAULT_REDACTION if mode == "ours" else None
    recorder = enable_tracing(tracking_uri, experiment="burst", frameworks=(), redaction=redaction)
    with nullcontext() if mode == MODES[0] else recorder:
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
        called_s, ended = time.perf_counter() - began, time.time()
        mlflow.flush_trace_async_logging()
    peak = peak_kib()
    return {
        "caller: µs/span": called_s / SPANS * 1e6,
        "ended": ended,
        "until stored: s": time.perf_counter() - began,
        "peak memory, over idle: MiB": (peak - before) / 1024,
    }


def peak_kib() -> int:
    """The peak memory of this process; `getrusage` would include that of its parent."""
    status = Path("/proc/self/status")
    if not status.exists():  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


if __name__ == "__main__":
    print(json.dumps(write_burst(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
