"""What export costs the program whose spans are sent, also where the receiver is down or hangs.

Each way runs in a process of its own, and the receiver in another: only the program is counted.
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
TEXT = "a line of what an agent said, and what it was asked. " * 40
"""2 kB, as the inputs and the outputs of a completion are."""


def measured(store: str) -> dict[str, float | str]:
    """Microseconds a span that whoever ends it waits, and CPU against a run without export."""
    with run_otlp_receiver() as kept, run_otlp_receiver(CannedResponse(delay_s=600)) as hanging:
        nobody = f"http://127.0.0.1:{find_free_port()}/v1/traces"
        ways = {"on": kept.endpoint, "receiver down": nobody, "receiver hangs": hanging.endpoint}
        off = _way(store, "")
        told = {way: _way(store, endpoint) for way, endpoint in ways.items()}
        arrived = sum(1 for _ in kept)
    figures: dict[str, float | str] = {"off: caller's µs a span": off["caller_us"]}
    for way, figure in told.items():
        figures[f"{way}: caller's µs a span"] = figure["caller_us"]
        figures[f"{way}: CPU, against off"] = figure["cpu_s"] / off["cpu_s"]
        figures[f"{way}: s at the end, beyond off"] = figure["end_s"] - off["end_s"]
    sent = (ROUNDS + 1) * SPANS
    return figures | {"on: spans that arrived": f"{arrived} of {sent}"}


def _way(store: str, endpoint: str) -> Mapping[str, float]:
    environment = os.environ | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint}
    command = [sys.executable, "-m", "tests.bench_export", store]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"export could not be measured:\n{done.stderr}")
    told: Mapping[str, float] = json.loads(done.stdout)
    return told


def _program(store: str) -> dict[str, float]:
    """The median of the rounds after the first, and how long the end took."""
    callers, cpus = [], []
    with enable_tracing(store):
        for _ in range(ROUNDS + 1):
            cpu, began = time.process_time(), time.perf_counter()
            for _ in range(TRACES):
                _trace()
            callers.append((time.perf_counter() - began) / SPANS)
            mlflow.flush_trace_async_logging()
            cpus.append(time.process_time() - cpu)
        ends = time.perf_counter()
    return {
        "caller_us": 1e6 * statistics.median(callers[1:]),
        "cpu_s": statistics.median(cpus[1:]),
        "end_s": time.perf_counter() - ends,
    }


def _trace() -> None:
    with mlflow.start_span("root", span_type="CHAIN"):
        for _ in range(CHILDREN):
            with mlflow.start_span("completion", span_type="LLM") as span:
                span.set_inputs({"messages": [{"role": "user", "content": TEXT}]})
                span.set_outputs({"choices": [{"message": {"role": "assistant", "content": TEXT}}]})


if __name__ == "__main__":
    print(json.dumps(_program(sys.argv[1])))
