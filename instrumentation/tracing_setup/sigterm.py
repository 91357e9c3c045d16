"""Handle SIGTERM like Ctrl-C, so that a terminated program exits cleanly and stores its spans."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

SIGTERM_EXIT_CODE = 128 + signal.SIGTERM
"""The exit code that shells report for a process that SIGTERM ended: 143."""


@contextmanager
def handle_sigterm() -> Generator[None]:
    """Turn SIGTERM into `KeyboardInterrupt` inside the block, and into `SystemExit(143)` after it.

    Without it, SIGTERM ends the process immediately, and spans that are not stored yet are lost.
    Enter it in the main thread, around `enable_tracing`. A server that handles SIGTERM itself, such
    as uvicorn, does not need it.

    Example:
        with handle_sigterm(), enable_tracing():
            serve_forever()
    """
    received = []

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second SIGTERM would interrupt the storing
        received.append(number)
        # A shell starts its background processes with SIGINT ignored.
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            raise SystemExit(SIGTERM_EXIT_CODE)
        # Not an exception of our own: asyncio knows Ctrl-C, and cancels the running tasks.
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        if received:
            raise SystemExit(SIGTERM_EXIT_CODE) from None
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
