"""Processes of a team that write traces to one store at the same time, until stdin is closed.

    python -m tests.scenarios.traces.team_store.trace_writers STORE NAME WRITERS SPANS PAUSE_S

It prints a line as each writer starts. When stdin is closed, each writer ends and prints its name
and its number of traces as JSON. The writers are forked, since each import of MLflow takes seconds.
SIGABRT ends them and prints their stacks.
"""

import faulthandler
import json
import os
import select
import sys
from itertools import count
from typing import Any

import mlflow

from instrumentation.tracing import enable_tracing

TEXT = "The population of Quito is nearly three million. " * 10
TOKEN_USAGE = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}


def main(store: str, name: str, writers: int, spans: int, pause_s: float) -> None:
    """Fork the writers and wait for them."""
    faulthandler.enable()
    children = []
    for writer in range(writers):
        child = os.fork()
        if child == 0:
            print_line(json.dumps(write_traces(store, f"{name}-{writer}", spans, pause_s)))
            return
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def write_traces(store: str, name: str, spans: int, pause_s: float) -> dict[str, Any]:
    """Write traces named `name`-0, `name`-1, … with `spans` spans each, until stdin is closed."""
    traces = 0
    with enable_tracing(store, frameworks=()):
        print_line("writing")
        while not select.select([sys.stdin], [], [], pause_s)[0]:
            write_trace(f"{name}-{traces}", spans)
            traces += 1
    return {"name": name, "traces": traces}


def print_line(line: str) -> None:
    """Write a line to stdout in one system call, since other processes write there, too."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def write_trace(name: str, spans: int) -> None:
    """Write a trace: a root span, and turns of up to three completions each."""
    spans_left = count(spans - 1, -1)
    with mlflow.start_span(name):
        while (remaining := next(spans_left)) > 0:
            with mlflow.start_span("turn", span_type="AGENT") as turn:
                turn.set_inputs({"task": TEXT})
                for _ in range(min(remaining - 1, 3)):
                    next(spans_left)
                    with mlflow.start_span("completion", span_type="LLM") as completion:
                        completion.set_outputs({"content": TEXT})
                        completion.set_attribute("mlflow.chat.tokenUsage", TOKEN_USAGE)


if __name__ == "__main__":
    store, name, writers, spans, pause_s = sys.argv[1:]
    main(store, name, int(writers), int(spans), float(pause_s))
