"""Programs that record spans and then exit in different ways.

    python -m tests.instrumentation.exiting_programs TRACKING_URI FOLDER PROGRAM...

Each program runs in a process of its own, forked from one that has only imported MLflow, which
takes seconds. Its output is written to FOLDER/PROGRAM, its experiment has the program's name. The
exit codes by program are printed to stdout. Each call of `work` records SPANS spans.
"""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import mlflow
from mlflow.tracing import provider

from instrumentation.tracing import enable_tracing
from instrumentation.tracing_setup.sigterm import handle_sigterm
from tests.support.forks.server import import_modules

SPANS = 20
FORKS = 5


def main(tracking_uri: str, program: str) -> None:
    if program == "forks_with_upstream_mlflow":
        mlflow.set_tracking_uri(tracking_uri)
        mlflow.set_experiment(program)
        forks(patience_s=5)
    elif program == "exits_with_upstream_mlflow":
        os.environ["MLFLOW_TRACE_USE_ISOLATED_RANDOM_ID_GENERATOR"] = "true"
        mlflow.set_tracking_uri(tracking_uri)
        mlflow.set_experiment(program)
        keeps_its_provider()
    elif program in UNCLOSED_PROGRAMS:
        enable_tracing(tracking_uri, experiment=program, frameworks=())
        UNCLOSED_PROGRAMS[program]()
    else:
        with handle_sigterm(), enable_tracing(tracking_uri, experiment=program, frameworks=()):
            PROGRAMS[program]()


def fork_programs(folder: Path, programs: Sequence[str]) -> str | dict[str, int]:
    """Fork a process per program; return its program in each, and all process ids in the parent."""
    import_modules()
    ids = {}
    for program in programs:
        ids[program] = os.fork()
        if not ids[program]:
            output = os.open(folder / program, os.O_WRONLY | os.O_CREAT)
            os.dup2(output, 1)
            os.dup2(output, 2)
            return program
    return ids


def work() -> None:
    with mlflow.start_span("root"):
        for _ in range(SPANS - 1):
            with mlflow.start_span("child"):
                pass


def leaves_a_span_open() -> None:
    root = mlflow.start_span_no_context("root")
    for _ in range(SPANS - 1):
        mlflow.start_span_no_context("child", parent_span=root).end()


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
    """Keep the tracer provider alive, as MLflow itself does, in the module that created it."""
    work()
    provider.kept = provider.provider.get()


def forks(patience_s: int = 60) -> None:
    """Fork after spans were stored, so that there are threads that the child does not have."""
    work()
    mlflow.flush_trace_async_logging()
    child = os.fork()
    if not child:
        signal.alarm(patience_s)  # upstream MLflow waits forever
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


def forks_while_it_stores() -> None:
    """Fork again and again while another thread records spans and the store writes them."""
    work()  # imports modules; Python cannot fork in the middle of that
    is_done = threading.Event()

    def work_until_done() -> None:
        while not is_done.wait(0.1):
            work()

    thread = threading.Thread(target=work_until_done)
    thread.start()
    failures = 0
    for _ in range(FORKS):
        time.sleep(0.15)
        failures += os.waitpid(fork_child(), 0)[1] != 0
    is_done.set()
    thread.join()
    sys.exit(failures)


def serves_in_workers() -> None:
    """Fork workers that work and then exit in the usual way, as a pre-fork server does."""
    work()
    for _ in range(2):
        child = os.fork()
        if not child:
            work()
            sys.exit(0)
        os.waitpid(child, 0)


def fork_child() -> int:
    """Fork a process that works, stores its spans and ends at once; returns its id.

    SIGALRM ends it if it hangs.
    """
    child = os.fork()
    if not child:
        signal.alarm(20)
        work()
        mlflow.flush_trace_async_logging()
        os._exit(0)
    return child


PROGRAMS: dict[str, Callable[[], None]] = {
    program.__name__: program
    for program in (
        work,
        exits,
        raises,
        is_interrupted,
        is_terminated,
        keeps_its_provider,
        forks,
        has_a_child_process,
        forks_while_it_stores,
        serves_in_workers,
    )
}

UNCLOSED_PROGRAMS = {"never_shuts_down": work, "leaves_a_span_open": leaves_a_span_open}
"""Programs that enable tracing for the rest of the process."""

if __name__ == "__main__":
    store, folder, *programs = sys.argv[1:]
    result = fork_programs(Path(folder), programs)
    if isinstance(result, str):
        main(store, result)
    else:
        codes = {program: os.waitpid(process_id, 0)[1] for program, process_id in result.items()}
        print(
            json.dumps(
                {program: os.waitstatus_to_exitcode(code) for program, code in codes.items()}
            )
        )
