"""The crew on the bench: what a recorder costs it a run, and how much of the story is told.

    python -m tests.bench_crew RECORDER URL ROUNDS STORE

plays the financial crew against a replay server that is there already, unrecorded and recorded in
turn, and prints one JSON object. A process of its own, since the instrumentors that ours is
compared with have an environment of their own (make openinference-env).
"""

import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import mlflow

from instrumentation.span import Span
from instrumentation.trace import Trace, from_mlflow
from scenarios.inputs import values
from scenarios.ledger import Exchange
from scenarios.quiet import quieted
from scenarios.shelf import load
from scenarios.tape.captures import given
from tests.recorders import RECORDERS, Recorder
from workflows.crew_finance import CONTEXTS, briefing
from workflows.model import Model

HEALTHY = "briefing_goes_well"
WARM_UP = 2  # the first rounds pay for imports and caches
STEPS = ("LLM", "TOOL", "STATE")

Figures = dict[str, float | str]


@dataclass(frozen=True)
class Spent:
    """CPU seconds of a run: of all threads, with the storing of the trace, and of the caller's."""

    everywhere: float
    caller: float


def measured(name: str, url: str, rounds: int, store: str) -> Figures:
    """What this recorder costs and tells: the rows of a table."""
    recorder = RECORDERS[name]
    pairs = [_pair(recorder, url, store) for _ in range(rounds + WARM_UP)][WARM_UP:]
    with recorder(store, f"story of {name}"):
        _played(url)
    trace, kilobytes = _left(store, f"story of {name}")
    spans = sum(1 for _ in trace)
    cost_us = median(after.everywhere - before.everywhere for before, after in pairs) * 1e6
    waited_us = median(after.caller - before.caller for before, after in pairs) * 1e6
    return {
        "uninstrumented: CPU ms a run": median(before.everywhere for before, _ in pairs) * 1000,
        "CPU ms a run": median(after.everywhere for _, after in pairs) * 1000,
        "CPU / uninstrumented": median(b.everywhere / a.everywhere for a, b in pairs),
        "spans a run": spans,
        "µs a span, stored": cost_us / spans,
        "µs a span, on the caller": waited_us / spans,
        "trace as JSON: kB": kilobytes,
        **_story(_completions(url), trace),
    }


def _pair(recorder: Recorder, url: str, store: str) -> tuple[Spent, Spent]:
    """What a run spends with nothing recorded, and with the recorder."""
    mlflow.tracing.disable()
    unrecorded = _played(url)
    mlflow.tracing.enable()
    with recorder(store, "bench"):
        return unrecorded, _played(url)


def _played(url: str) -> Spent:
    """One briefing, and the storing of what it left. Raises if it did not go well."""
    page = load(HEALTHY)
    task = str(given(page.task, values(page.inputs, seed=None)))
    model = Model("taped", f"{url}/v1", "taped")
    urllib.request.urlopen(urllib.request.Request(f"{url}/rewind", method="POST")).close()
    began, own = time.process_time(), time.thread_time()
    ended = asyncio.run(briefing(task, model, world_bank=url))
    own = time.thread_time() - own
    mlflow.flush_trace_async_logging()
    spent = Spent(time.process_time() - began, own)
    if ended.outcome != "verified":
        raise RuntimeError(f"the briefing is {ended.outcome}, and was to be verified: {ended}")
    return spent


def _left(store: str, experiment: str) -> tuple[Trace, float]:
    """All that the runs of an experiment left, and its size in kilobytes of JSON."""
    client = mlflow.MlflowClient(store)
    where = [client.get_experiment_by_name(experiment).experiment_id]
    exported = [trace.to_dict() for trace in client.search_traces(locations=where)]
    return from_mlflow(exported), len(json.dumps(exported)) / 1000


def _completions(url: str) -> list[Exchange]:
    """The completions in the server's ledger, since it was rewound."""
    with urllib.request.urlopen(f"{url}/ledger") as reply:
        served = [Exchange(**exchange) for exchange in json.load(reply)["exchanges"]]
    return [exchange for exchange in served if exchange.path.endswith("/chat/completions")]


def _story(served: list[Exchange], trace: Trace) -> Figures:
    """How much the traces tell of what happened, as "so many of so many".

    A step is in its place in a turn of an agent, one with the state in the tool that asked for it.
    """
    llm, tool = trace.of_type("LLM"), trace.of_type("TOOL")
    real_tools = sum(exchange.tool_calls for exchange in served)
    real_tokens = sum(exchange.input_tokens + exchange.output_tokens for exchange in served)
    state = len(trace.of_type("STATE"))
    told = {
        "completions": (len(llm), len(served)),
        "tokens": (sum(span.tokens.total for span in llm), real_tokens),
        "tool calls": (len(tool), real_tools),
        "agent turns": (len(trace.of_type("AGENT")), len(CONTEXTS)),
        "handoffs": (len(trace.of_type("HANDOFF")), sum(map(len, CONTEXTS.values()))),
        "steps in place": (_in_place(trace), len(served) + real_tools + state),
    }
    whole = all(seen == real for seen, real in told.values())
    rows = {f"{what} told": f"{seen:,} of {real:,}" for what, (seen, real) in told.items()}
    return {**rows, "the whole story": "yes" if whole else "no"}


def _in_place(trace: Trace) -> int:
    return sum(
        ("TOOL" if span.type == "STATE" else "AGENT") in above
        for root in trace.roots
        for span, above in _beneath(root)
        if span.type in STEPS
    )


def _beneath(span: Span, *above: str) -> Iterator[tuple[Span, tuple[str, ...]]]:
    """A span and all beneath it, each with the types of the spans that it stands in."""
    yield span, above
    for child in span.children:
        yield from _beneath(child, *above, span.type)


if __name__ == "__main__":
    recorder, url, rounds, store = sys.argv[1:]
    with quieted():
        print(json.dumps(measured(recorder, url, int(rounds), store)))
