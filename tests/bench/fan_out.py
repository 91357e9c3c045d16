"""Benchmark a fan-out: 3, 10 and 30 specialists at once, and one agent that joins their findings.

Each specialist makes one measurement in two completions. If completions are slow, the time beyond
the slowest specialist is the cost of the fan-out. If they are immediate, the CPU time of a traced
run beyond that of an untraced one is the cost of tracing, per trace and per span. The server runs
in another process.
"""

import asyncio
import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from instrumentation.trace.trace import Trace, trace_from_mlflow
from workflows.model import Model

FANS = (3, 10, 30)
ROUNDS = 3
PAIRS = 12
"""Pairs of a traced and an untraced run; the cost of tracing is the median of their differences."""
DELAY_S = 0.5
SERVE = """
import sys
from scenarios.replay.faults import slow
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
tape = Tape.load(sys.argv[1])
late = [slow(lane, times=2, delay_s=float(sys.argv[2])) for lane in tape.lanes if lane != "verdict"]
with replay_tape(tape, late) as delayed, replay_tape(tape) as undelayed:
    print(delayed.url, undelayed.url, flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Run:
    """A run: its wall time, its CPU time with that of storing its trace, and the trace."""

    wall_s: float
    cpu_s: float
    trace: Trace | None


def run_benchmark(
    store: str,
    fans: Sequence[int] = FANS,
    rounds: int = ROUNDS,
    pairs: int = PAIRS,
    delay_s: float = DELAY_S,
) -> dict[str, float]:
    """Measure each fan-out: wall time, that of its slowest branch, and the cost of tracing."""
    figures: dict[str, float] = {}
    costs: dict[int, float] = {}
    for fan in fans:
        with _server(fan, delay_s) as (slow_url, fast_url):
            walls = _wall_times(slow_url, fan, store, rounds)
            spans, cost_s = _tracing_cost(fast_url, fan, store, pairs)
        costs[spans] = cost_s
        walls |= {"spans": spans, "tracing, stored: CPU ms": cost_s * 1e3}
        figures |= {f"{fan} specialists: {name}": value for name, value in walls.items()}
    if len(costs) > 1:
        a_span_s, a_trace_s = np.polyfit([*costs], [*costs.values()], 1)
        figures["a span, stored: CPU µs"] = float(a_span_s) * 1e6
        figures["a trace, besides its spans: CPU ms"] = float(a_trace_s) * 1e3
    return figures


def _wall_times(url: str, fan: int, store: str, rounds: int) -> dict[str, float]:
    """Time a fan-out, untraced and traced, and its slowest branch."""
    _run_fan(url, fan, None)  # warms up imports and caches
    untraced = [_run_fan(url, fan, None) for _ in range(rounds)]
    traced = [_run_fan(url, fan, store) for _ in range(rounds)]
    slowest_s = statistics.median(_slowest_branch_s(run.trace) for run in traced if run.trace)
    traced_s = statistics.median(run.wall_s for run in traced)
    return {
        "untraced: wall s": statistics.median(run.wall_s for run in untraced),
        "traced: wall s": traced_s,
        "slowest branch: s": slowest_s,
        "traced: wall / slowest branch": traced_s / slowest_s,
    }


def _tracing_cost(url: str, fan: int, store: str, pairs: int) -> tuple[int, float]:
    """Count the spans of a fan-out, and measure the CPU seconds that they cost.

    The cost is the median over pairs of consecutive runs, because the load of the machine changes
    from minute to minute. The order within a pair alternates.
    """
    spans = 0
    costs = []
    for pair in range(-1, pairs):
        modes = (None, store) if pair % 2 else (store, None)
        runs = {mode: _run_fan(url, fan, mode) for mode in modes}
        if (trace := runs[store].trace) is not None and pair >= 0:  # the first pair warms up
            spans = sum(1 for _ in trace)
            costs.append(runs[store].cpu_s - runs[None].cpu_s)
    return spans, statistics.median(costs)


def _run_fan(url: str, fan: int, store: str | None) -> Run:
    import urllib.request

    import mlflow

    from instrumentation.tracing import enable_tracing, record_run

    urllib.request.urlopen(urllib.request.Request(f"{url}/rewind", method="POST")).read()
    tracing: AbstractContextManager[Any] = (
        enable_tracing(store, experiment="bench") if store else nullcontext()
    )
    if not store:
        mlflow.tracing.disable()
    with tracing, record_run() as run:
        gc.collect()
        began, cpu = time.perf_counter(), time.process_time()
        asyncio.run(_verify(fan, Model("taped", f"{url}/v1", "taped")))
        wall_s = time.perf_counter() - began
        if store:
            mlflow.flush_trace_async_logging()
        cpu_s = time.process_time() - cpu
        trace = trace_from_mlflow(trace.to_dict() for trace in run.traces()) if store else None
    mlflow.tracing.enable()
    return Run(wall_s, cpu_s, trace)


async def _verify(fan: int, model: Model) -> None:
    from workflows.graphflow_media import MediaVerification
    from workflows.support.media.synthetic_clip import make_clip

    verification = MediaVerification(model, clip=make_clip())
    verification.specialists = dict.fromkeys(_names(fan), ("the picture", ("flashes",)))
    await verification.run("Was this clip altered?")


def _names(fan: int) -> list[str]:
    return [f"specialist_{number}" for number in range(1, fan + 1)]


def _slowest_branch_s(trace: Trace) -> float:
    turns = (span for span in trace.spans_of_type("AGENT") if span.agent != "verdict")
    return max(turn.end_ns - turn.start_ns for turn in turns) / 1e9


@contextmanager
def _server(fan: int, delay_s: float) -> Iterator[Sequence[str]]:
    """Serve the tape of a fan-out twice, with and without a delay; yield the two URLs."""
    call: Any = {"content": None, "tool_calls": [{"name": "flashes", "arguments": {}}]}
    lines: list[dict[str, Any]] = [
        {"lane": name, "origin": "scripted", "reply": reply}
        for name in _names(fan)
        for reply in (call, {"content": f"{name} saw three flashes."})
    ]
    judged = {"content": {"verdict": "authentic", "reasons": []}}
    lines.append({"lane": "verdict", "origin": "scripted", "reply": judged})
    with tempfile.TemporaryDirectory() as folder:
        tape = Path(folder) / "tape.jsonl"
        tape.write_bytes(b"\n".join(map(orjson.dumps, lines)))
        command = [sys.executable, "-c", SERVE, str(tape), str(delay_s)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            try:
                yield server.stdout.readline().split()
            finally:
                server.kill()
