"""Terminable: a service that SIGTERM ends as Ctrl-C would, block by block, its traces stored."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def terminable() -> Generator[None]:
    """For the block, SIGTERM raises `SystemExit(143)` in the main thread, where it must be entered.

    Without it, SIGTERM ends a process on the spot: no block is left, and what is not stored yet is
    lost. Put it around `traced`; a server with its own way to stop, as uvicorn has, needs none.
    """
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one would interrupt the storing
    raise SystemExit(128 + number)
