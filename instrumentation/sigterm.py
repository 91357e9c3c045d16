"""Terminable: a service that SIGTERM ends as Ctrl-C would, block by block, its traces stored."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

SIGTERM_EXIT_CODE = 128 + signal.SIGTERM
"""The exit code of what SIGTERM ended, as a shell tells it."""


@contextmanager
def handle_sigterm() -> Generator[None]:
    """For the block, SIGTERM is Ctrl-C, but that it ends in `SystemExit(143)`.

    To be entered in the main thread. Without it, SIGTERM ends a process on the spot: no block is
    left, and what is not stored yet is lost. Put it around `traced`; a server with its own way to
    stop, as uvicorn has, needs none.
    """
    signals_received = []

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one would interrupt the storing
        signals_received.append(number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background
            raise SystemExit(SIGTERM_EXIT_CODE)
        # Not an error of its own: asyncio, which knows Ctrl-C, cancels what is under way.
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        if signals_received:
            raise SystemExit(SIGTERM_EXIT_CODE) from None
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
