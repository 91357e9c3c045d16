"""Show how much a flush still has to store, and let Ctrl-C end it.

A process that recorded thousands of traces stores them for a minute or more after its work. It
would look hung, and Ctrl-C would print stack traces and never say what is lost.
"""

import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from patches.mlflow.export_queue.memory_limit import spans_in_task, trace_in_task

if TYPE_CHECKING:
    from patches.mlflow.export_queue.retry_queues import RetryQueues

FIRST_LINE_S, INTERVAL_S = 2.0, 0.5
"""How long a flush takes before it is worth a line on a terminal, and when that is updated."""
LOG_INTERVAL_S = 10.0
"""How often a line is written if stderr is no terminal."""


@dataclass(frozen=True)
class Backlog:
    """What is not stored yet: spans, and finished traces, which are stored after their spans."""

    spans: int
    traces: int

    def __str__(self) -> str:
        return f"{_count(self.spans, 'span')} and {_count(self.traces, 'trace')}"

    def __bool__(self) -> bool:
        return bool(self.spans or self.traces)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class ProgressLine:
    """Writes what is left to stderr while a flush takes long; one line if that is a terminal."""

    def __init__(self, count_backlog: Callable[[], Backlog]) -> None:
        self._count_backlog = count_backlog
        self._is_on_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._is_written, self._is_done, self._began = False, Event(), monotonic()
        self._thread = Thread(target=self._run, name="trace-flush-progress", daemon=True)

    def __enter__(self) -> Self:
        with suppress(RuntimeError):  # Python 3.12 starts no thread while it ends
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_done.is_set():
            self._stop()
            if self._is_written and not self._count_backlog():
                self._write(f"all are stored, after {monotonic() - self._began:.0f} s")
        if self._is_written and self._is_on_terminal:
            self._print("\n")

    def interrupt(self, lost: Backlog) -> None:
        """Write what is lost; nothing is written after that."""
        self._stop()
        self._write(f"interrupted: {lost} could not be stored and are lost")

    def _run(self) -> None:
        wait_s = FIRST_LINE_S if self._is_on_terminal else LOG_INTERVAL_S
        while not self._is_done.wait(wait_s):
            self._write(f"{self._count_backlog()} left to store; Ctrl-C drops them")
            wait_s = INTERVAL_S if self._is_on_terminal else LOG_INTERVAL_S

    def _stop(self) -> None:
        self._is_done.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _write(self, text: str) -> None:
        self._is_written = True
        start, end = ("\r\x1b[K", "") if self._is_on_terminal else ("", "\n")
        self._print(f"{start}flight recorder: {text}{end}")

    def _print(self, text: str) -> None:
        with suppress(OSError, ValueError):  # stderr is closed; no program fails for that
            print(text, end="", file=sys.stderr, flush=True)


def flush_interruptibly(
    export_queue: Any, flush: Callable[[], None], retry_queues: "RetryQueues", *, is_at_exit: bool
) -> None:
    """Flush MLflow's export queue, show the progress, and drop what is left on Ctrl-C.

    After a SIGTERM, which `handle_sigterm` turns into Ctrl-C, the flush goes on: nobody waits at
    the terminal, and all spans are to be stored.

    Args:
        export_queue: MLflow's `AsyncTraceExportQueue`.
        flush: Waits until everything is stored.
        retry_queues: The writes that left the export queue, and are not stored.
        is_at_exit: Whether the process ends, so that nothing can handle an interrupt any more.
    """

    def count_backlog() -> Backlog:
        return _count_backlog(export_queue, retry_queues)

    with ProgressLine(count_backlog) as progress:
        try:
            flush()
        except KeyboardInterrupt:
            if signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:  # see `handle_sigterm`
                backlog = count_backlog()
                _abandon(export_queue, retry_queues)
                progress.interrupt(backlog)
            _finish_flush(export_queue, is_at_exit)
            retry_queues.drain()
            if not is_at_exit:
                raise


def _finish_flush(export_queue: Any, is_at_exit: bool) -> None:
    """Do the rest of an interrupted flush. To repeat it would wait for ended threads."""
    if export_queue.is_active():  # the flush was over, or had not begun
        return
    export_queue._consumer_thread.join()
    export_queue._queue.join()
    export_queue._worker_threadpool.shutdown(wait=True)
    if not is_at_exit:
        export_queue._stop_event.clear()
        export_queue.activate()


def _count_backlog(export_queue: Any, retry_queues: "RetryQueues") -> Backlog:
    """Count what waits in MLflow's queue, and what its thread has passed on to the retry queues."""
    with export_queue._queue.mutex:
        tasks = list(export_queue._queue.queue)
    traces = [task for task in tasks if trace_in_task(task)]
    spans = sum(len(spans_in_task(task)) for task in tasks if not trace_in_task(task))
    writes = [write for queue in retry_queues for write in queue.writes()]
    return Backlog(
        spans + sum(len(write.spans) for write in writes),
        len(traces) + sum(not write.spans for write in writes),
    )


def _abandon(export_queue: Any, retry_queues: "RetryQueues") -> None:
    with export_queue._queue.mutex:
        waiting = len(export_queue._queue.queue)
        export_queue._queue.queue.clear()
    for _ in range(waiting):
        export_queue._queue.task_done()
    for queue in retry_queues:
        queue.abandon()
