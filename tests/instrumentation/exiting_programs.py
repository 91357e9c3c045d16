"""Programs that trace, and end in the ways that they are told to.

    python -m tests.instrumentation.exiting_programs TRACKING_URI FOLDER WAY...

Each is a process of its own, which ends as any does; what it says stands in the folder, in a file
of its way's name, and the exit codes, by way, on stdout. They are forked from one that has imported
MLflow, which takes seconds, and done nothing. The way is the name of the experiment, too.
Each call of `work` makes SPANS spans.
"""

import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import mlflow
from mlflow.tracing import provider

from instrumentation.sigterm import handle_sigterm
from instrumentation.tracing import enable_tracing

SPANS = 20


def main(tracking_uri: str, way: str) -> None:
    if way == "forks_with_mlflow_alone":
        mlflow.set_tracking_uri(tracking_uri)
        mlflow.set_experiment(way)
        forks(patience_s=5)
    elif way == "ends_with_mlflow_alone":
        os.environ["MLFLOW_TRACE_USE_ISOLATED_RANDOM_ID_GENERATOR"] = "true"
        mlflow.set_tracking_uri(tracking_uri)
        mlflow.set_experiment(way)
        keeps_its_provider()
    elif way == "never_leaves":
        block = enable_tracing(tracking_uri, experiment=way, frameworks=())
        block.__enter__()
        work()
    else:
        with handle_sigterm(), enable_tracing(tracking_uri, experiment=way, frameworks=()):
            PROGRAMS[way]()


def fork_programs(folder: Path, ways: Sequence[str]) -> str | dict[str, int]:
    """In each new process its way; in the first one the ids of the others, by way."""
    import_module("mlflow.store.tracking.sqlalchemy_store")
    ids = {}
    for way in ways:
        ids[way] = os.fork()
        if not ids[way]:
            said = os.open(folder / way, os.O_WRONLY | os.O_CREAT)
            os.dup2(said, 1)
            os.dup2(said, 2)
            return way
    return ids


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


def keeps_its_provider() -> None:
    """In the module that made it, which is where MLflow itself keeps it."""
    work()
    provider.kept = provider.provider.get()


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


PROGRAMS: dict[str, Callable[[], None]] = {
    way.__name__: way
    for way in (
        work,
        exits,
        raises,
        is_interrupted,
        is_terminated,
        keeps_its_provider,
        forks,
        has_a_child_process,
    )
}

if __name__ == "__main__":
    store, folder, *ways = sys.argv[1:]
    mine = fork_programs(Path(folder), ways)
    if isinstance(mine, str):
        main(store, mine)
    else:
        codes = {way: os.waitpid(id, 0)[1] for way, id in mine.items()}
        print(json.dumps({way: os.waitstatus_to_exitcode(code) for way, code in codes.items()}))
