"""A start: the seconds in which a command imports what it needs, and nothing has begun yet."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager

STOPPED_MESSAGE = b"\nstopped before anything began\n"


@contextmanager
def exit_on_early_interrupt() -> Generator[None]:
    """For the block, Ctrl-C ends the process on the spot, with a sentence and exit code 130.

    To be entered in the main thread. Raised instead, it would tell which import it met; and one
    that it meets in a callback is swallowed.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # as it is in a shell's background
        signal.signal(signal.SIGINT, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _stop(number: int, _: object) -> None:
    os.write(2, STOPPED_MESSAGE)
    os._exit(128 + number)
