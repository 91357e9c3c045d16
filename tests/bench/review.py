"""Benchmark a review: untraced, with MLflow's own autolog, and with `enable_tracing`."""

import asyncio
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from instrumentation.trace.canonical_json import load_trace
from scenarios.player.scenario_loader import load_scenario, scenario_folder
from workflows.model import Model

HEALTHY = "review_goes_well"
ROUNDS = 15


def run_benchmark(url: str, store: str) -> dict[str, float]:
    """Measure the CPU time of a review in the three modes in turn, with that of storing its trace.

    `url` is the address of another process, which serves the tape of the scenario `HEALTHY`.
    """
    modes: dict[str, Callable[[], AbstractContextManager[object]]] = {
        "none": nullcontext,
        "plain autolog": lambda: _upstream_autolog(store),
        "ours": lambda: _own_tracing(store),
    }
    spent: dict[str, list[float]] = {mode: [] for mode in modes}
    callers: dict[str, list[float]] = {mode: [] for mode in modes}
    for turn in range(ROUNDS + 2):
        for mode, instrumented in modes.items():
            with instrumented():
                all_threads, caller = _run_review(url, mode)
            if turn > 1:  # the first rounds warm up imports and caches
                spent[mode].append(all_threads)
                callers[mode].append(caller)
    none, plain, ours = (statistics.median(spent[mode]) * 1000 for mode in modes)
    caller_s = statistics.median(callers["ours"]) - statistics.median(callers["none"])
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
        "ours: µs a span, on the caller": caller_s * 1e6 / spans,
    }


def _run_review(url: str, mode: str) -> tuple[float, float]:
    """Return the CPU seconds of a review and of storing its trace: all threads, the caller."""
    import mlflow

    from workflows.graphflow_review import GraphFlowReview

    scenario = load_scenario(HEALTHY)
    urllib.request.urlopen(urllib.request.Request(f"{url}/rewind", method="POST")).read()
    model = Model("taped", f"{url}/v1", "taped")
    if mode == "none":
        mlflow.tracing.disable()
    began, own = time.process_time(), time.thread_time()
    asyncio.run(GraphFlowReview(model).run(scenario.task))
    own = time.thread_time() - own
    if mode != "none":
        mlflow.flush_trace_async_logging()
    spent = time.process_time() - began
    mlflow.tracing.enable()
    return spent, own


@contextmanager
def _upstream_autolog(store: str) -> Iterator[None]:
    import mlflow

    mlflow.set_tracking_uri(store)
    mlflow.set_experiment("bench")
    mlflow.autogen.autolog(silent=True)
    try:
        yield
    finally:
        mlflow.autogen.autolog(disable=True, silent=True)


@contextmanager
def _own_tracing(store: str) -> Iterator[None]:
    from instrumentation.tracing import enable_tracing, record_run

    with enable_tracing(store, experiment="bench"), record_run():
        yield


def _recorded_spans() -> Iterator[object]:
    return iter(load_trace(scenario_folder(HEALTHY).recorded_trace("twin")))
