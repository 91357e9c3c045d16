"""Benchmark OTLP export: its cost to the program, also if the receiver is down or hangs.

Each mode runs in a process of its own, and the receiver in another, so only the program is counted.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping

import mlflow

from instrumentation.tracing import enable_tracing
from tests.instrumentation.export.otlp_receiver import CannedResponse, run_otlp_receiver
from tests.support.servers import find_free_port

ROUNDS, TRACES, CHILDREN = 5, 10, 49
SPANS = TRACES * (CHILDREN + 1)
TEXT = "a line of an agent's prompt, and a line of its answer. " * 40
"""About 2 kB, a typical size of the inputs and outputs of a completion."""


def run_benchmark(store: str) -> dict[str, float | str]:
    """Return µs per span on the caller, and CPU time relative to a run without export."""
    with run_otlp_receiver() as kept, run_otlp_receiver(CannedResponse(delay_s=600)) as hanging:
        nobody = f"http://127.0.0.1:{find_free_port()}/v1/traces"
        endpoints = {
            "on": kept.endpoint,
            "receiver down": nobody,
            "receiver hangs": hanging.endpoint,
        }
        off = _measure_in_subprocess(store, "")
        measured = {
            mode: _measure_in_subprocess(store, endpoint) for mode, endpoint in endpoints.items()
        }
        arrived = sum(1 for _ in kept)
    figures: dict[str, float | str] = {"off: caller's µs a span": off["caller_us"]}
    for mode, figure in measured.items():
        figures[f"{mode}: caller's µs a span"] = figure["caller_us"]
        figures[f"{mode}: CPU, against off"] = figure["cpu_s"] / off["cpu_s"]
        figures[f"{mode}: s at the end, beyond off"] = figure["end_s"] - off["end_s"]
    sent = (ROUNDS + 1) * SPANS
    return figures | {"on: spans that arrived": f"{arrived} of {sent}"}


def _measure_in_subprocess(store: str, endpoint: str) -> Mapping[str, float]:
    environment = os.environ | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint}
    command = [sys.executable, "-m", "tests.bench.otlp_export", store]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"export could not be measured:\n{done.stderr}")
    measured: Mapping[str, float] = json.loads(done.stdout)
    return measured


def _measure(store: str) -> dict[str, float]:
    """Return the medians of the rounds after the first, and the time of the shutdown."""
    callers, cpus = [], []
    with enable_tracing(store):
        for _ in range(ROUNDS + 1):
            cpu, began = time.process_time(), time.perf_counter()
            for _ in range(TRACES):
                _write_trace()
            callers.append((time.perf_counter() - began) / SPANS)
            mlflow.flush_trace_async_logging()
            cpus.append(time.process_time() - cpu)
        ends = time.perf_counter()
    return {
        "caller_us": 1e6 * statistics.median(callers[1:]),
        "cpu_s": statistics.median(cpus[1:]),
        "end_s": time.perf_counter() - ends,
    }


def _write_trace() -> None:
    with mlflow.start_span("root", span_type="CHAIN"):
        for _ in range(CHILDREN):
            with mlflow.start_span("completion", span_type="LLM") as span:
                span.set_inputs({"messages": [{"role": "user", "content": TEXT}]})
                span.set_outputs({"choices": [{"message": {"role": "assistant", "content": TEXT}}]})


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1])))
