"""A program that traces, and ends in the way that it is told to.

    python -m tests.ending_program TRACKING_URI WAY

The way is the name of the experiment, too. Each call of `work` makes SPANS spans.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable

import mlflow

from instrumentation.terminable import terminable
from instrumentation.tracing import traced

SPANS = 20


def main(tracking_uri: str, way: str) -> None:
    if way == "forks_with_mlflow_alone":
        mlflow.set_tracking_uri(tracking_uri)
        mlflow.set_experiment(way)
        forks(patience_s=5)
    elif way == "never_leaves":
        block = traced(tracking_uri, way, frameworks=())
        block.__enter__()
        work()
    else:
        with terminable(), traced(tracking_uri, way, frameworks=()):
            WAYS[way]()


def work() -> None:
    with mlflow.start_span("root"):
        for _ in range(SPANS - 1):
            with mlflow.start_span("child"):
                pass


def exits() -> None:
    work()
    sys.exit(3)


def raises() -> None:
    work()
    raise ZeroDivisionError


def is_interrupted() -> None:
    work()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)


def is_terminated() -> None:
    work()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


def forks(patience_s: int = 60) -> None:
    """After it has stored something, so that there are threads that a child has not."""
    work()
    mlflow.flush_trace_async_logging()
    child = os.fork()
    if not child:
        signal.alarm(patience_s)  # MLflow alone waits for ever
        work()
        mlflow.flush_trace_async_logging()
        os._exit(0)
    os.waitpid(child, 0)


def has_a_child_process() -> None:
    work()
    mlflow.flush_trace_async_logging()
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join(60)


WAYS: dict[str, Callable[[], None]] = {
    way.__name__: way
    for way in (work, exits, raises, is_interrupted, is_terminated, forks, has_a_child_process)
}

if __name__ == "__main__":
    main(*sys.argv[1:])
