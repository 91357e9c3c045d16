"""Benchmark the import of a trace of 10,000 spans, and its comparison with itself.

Half of the spans are completions of 50 agents, in OTLP JSON. It runs in a process of its own, so
that the peak memory is that of the import.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SPANS = 10_000
AGENTS = 50
PROMPT_CHARS = 1_500


def run_benchmark(_: str) -> dict[str, float | str]:
    """Return seconds, spans per second, the ratio to parsing the JSON alone, and memory."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.trace_import"],
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, float | str] = json.loads(done.stdout.splitlines()[-1])
    return figures


def make_otlp() -> dict[str, Any]:
    """A trace: below one root, turns of the agents, each with one completion."""
    spans = [_span(0, None, "run", {"openinference.span.kind": "CHAIN"})]
    spans += [span for turn in range(SPANS // 2) for span in _turn(turn)]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans[:SPANS]}]}]}


def _turn(number: int) -> Iterator[dict[str, Any]]:
    agent, id = f"agent-{number % AGENTS}", 2 * number + 1
    yield _span(id, 0, agent, {"openinference.span.kind": "AGENT", "agent.name": agent})
    prompt = f"Task {number}. {'Look at the lake. ' * (PROMPT_CHARS // 18)}"
    messages = [{"role": "system", "content": agent}, {"role": "user", "content": prompt}]
    choice = {"index": 0, "message": {"role": "assistant", "content": f"Reply {number}."}}
    attributes = {
        "openinference.span.kind": "LLM",
        "input.value": json.dumps({"messages": messages}),
        "output.value": json.dumps({"choices": [choice]}),
        "llm.token_count.prompt": 400,
        "llm.token_count.completion": 4,
    }
    yield _span(id + 1, id, "completion", attributes)


def _span(id: int, parent: int | None, name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    pairs = (
        (key, {"intValue": value} if isinstance(value, int) else {"stringValue": value})
        for key, value in attributes.items()
    )
    return {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": f"{id + 1:016x}",
        "parentSpanId": "" if parent is None else f"{parent + 1:016x}",
        "name": name,
        "startTimeUnixNano": str(1_000 * (id + 1)),
        "endTimeUnixNano": str(1_000 * (id + 1) + 500),
        "status": {"code": 1},
        "attributes": [{"key": key, "value": value} for key, value in pairs],
    }


def measure() -> dict[str, float]:
    """Import the trace once, and compare it with itself."""
    from instrumentation.trace.trace_file import load_traces
    from scenarios.traces.divergence.first_divergence import compare_runs
    from scenarios.traces.divergence.run_calls import run_from_trace
    from scenarios.traces.trace_import.traced_tape import import_trace

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        path.write_text(json.dumps(make_otlp()))
        before_mib = _peak_mib()
        parse_s = _seconds(lambda: json.loads(path.read_bytes()))
        began = time.perf_counter()
        (trace,) = load_traces(path)
        read_s = time.perf_counter() - began
        began = time.perf_counter()
        tape = import_trace(trace)
        import_s = time.perf_counter() - began
        memory_mib = _peak_mib() - before_mib
    assert len(tape.lines) >= SPANS // 2 - 1
    diff_s = _seconds(lambda: compare_runs(run_from_trace(trace, "a"), run_from_trace(trace, "b")))
    return {
        f"import of {SPANS:,} spans: s": read_s + import_s,
        "spans/s": SPANS / (read_s + import_s),
        "times as long as parsing its JSON": (read_s + import_s) / parse_s,
        "memory: MiB": memory_mib,
        "diff with itself: s": diff_s,
    }


def _seconds(run: Any) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(measure()))
