"""Enable tracing in a process that is about to run a program, and report its traces at the end."""

import atexit
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from types import FrameType, TracebackType

import mlflow

from instrumentation.trace.session import PROGRAM_TAG
from instrumentation.tracing import RunHandle, enable_tracing, record_run
from scenarios.programs.launcher.abrupt_end import call_before_abrupt_end
from scenarios.programs.launcher.launch import SETTINGS_VARIABLE, TraceSettings
from scenarios.traces.store.tracking_uri import translate_store_errors
from scenarios.traces.store.ui_server import trace_page_url, ui_command

MAX_LINKS = 5
CHATTY_LOGGERS = ("mlflow.store.db.utils", "mlflow.tracing.export.async_export_queue")
"""They would write to the program's stderr that MLflow creates a database and stores spans."""


def trace_this_process() -> None:
    """Trace this process until it ends, with the settings in its environment.

    The environment becomes the program's own again, except that with `children` the programs that
    it starts are traced, too.
    """
    settings = TraceSettings(**json.loads(os.environ.pop(SETTINGS_VARIABLE)))
    _restore_environment(settings)
    tracing = ExitStack()
    process = _TracedProcess(settings, os.getpid())
    atexit.register(process.end)  # runs after all that are registered later
    for name in CHATTY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    shutdown = enable_tracing(settings.store, experiment=settings.experiment).shutdown
    tracing.callback(shutdown)
    tags = {**settings.tags, PROGRAM_TAG: settings.run_id}
    run = tracing.enter_context(record_run(tags, run_id=settings.run_id))
    process.run = replace(run, tag=PROGRAM_TAG)
    process.tracing = tracing
    process.handle_sigterm()
    tracing.enter_context(
        call_before_abrupt_end(
            on_exit=partial(process.report, after=shutdown),
            on_exec=partial(process.report, after=mlflow.flush_trace_async_logging),
        )
    )


def _restore_environment(settings: TraceSettings) -> None:
    if settings.children:
        child = TraceSettings(**{**vars(settings), "is_child": True})
        os.environ.update(child.to_environment())
    elif settings.python_path is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = settings.python_path


class _TracedProcess:
    """Stores the spans when the process ends, and prints where its traces are."""

    def __init__(self, settings: TraceSettings, pid: int) -> None:
        self.settings, self.pid = settings, pid
        self.run: RunHandle | None = None
        self.tracing = ExitStack()
        self._is_terminated = False

    def handle_sigterm(self) -> None:
        """Store the spans on SIGTERM, too. A program that handles SIGTERM replaces this."""
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._interrupt)

    def _interrupt(self, number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second SIGTERM would interrupt the storing
        self._is_terminated = True
        sys.excepthook = _hide_interrupt  # Python itself prints nothing on SIGTERM
        raise KeyboardInterrupt  # asyncio and open spans handle it

    def end(self) -> None:
        """Store the spans and print the links; end by a signal if that is why the process ends."""
        self.report(after=self.tracing.close)
        if os.getpid() != self.pid:  # a fork
            return
        self.run = None
        if self._is_terminated:
            _end_by_signal(signal.SIGTERM)
        # Python itself would do so, but forgets it once anything in this function calls `exec`.
        if getattr(sys, "last_type", None) is KeyboardInterrupt:
            _end_by_signal(signal.SIGINT)

    def report(self, after: Callable[[], None]) -> None:
        """Store the spans by a function, then print the links, unless another process does."""
        after()
        if self.run and not self.settings.is_child and os.getpid() == self.pid:
            try:
                with translate_store_errors():  # which ends MLflow's retries after seconds
                    lines = describe_traces(self.run, self.settings.store)
                for line in lines:
                    print(f"flight-recorder: {line}", file=sys.stderr)
            except Exception as error:  # the program has ended well, whatever fails here
                print(f"flight-recorder: {error}", file=sys.stderr)


def _end_by_signal(number: signal.Signals) -> None:
    """End the process so that its parent sees the signal in its exit status."""
    sys.stdout.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def describe_traces(run: RunHandle, store: str) -> list[str]:
    """One line per trace of the run, with its link, and the command that shows the store.

    Several traces come after a line with the ID of the run, which names them all.
    """
    infos = run.trace_infos()
    if not infos:
        return ["no trace: the program called nothing that is recorded"]
    lines = [f"run {run.id}: {len(infos)} traces"] if len(infos) > 1 else []
    lines += [
        f"trace {info.trace_id}, {info.state}:"
        f" {trace_page_url(store, info.experiment_id, info.trace_id)}"
        for info in infos[:MAX_LINKS]
    ]
    if len(infos) > MAX_LINKS:
        lines.append(f"and {len(infos) - MAX_LINKS} more traces")
    if command := ui_command(store):
        lines.append(f"to open a link, first run: {command}")
    return lines


def _hide_interrupt(
    error_type: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if not issubclass(error_type, KeyboardInterrupt):
        sys.__excepthook__(error_type, error, traceback)
