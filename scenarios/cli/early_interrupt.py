"""On Ctrl-C during a command's imports, print one sentence instead of a traceback, and exit.

This module imports almost nothing, so that little time is left in which Ctrl-C prints a traceback.
"""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager

STOPPED_MESSAGE = b"\nstopped before the command started\n"


@contextmanager
def exit_on_early_interrupt() -> Generator[None]:
    """Within the block, Ctrl-C prints a sentence and ends the process at once with exit code 130.

    Call it in the main thread. A KeyboardInterrupt would print the traceback of an import, and is
    swallowed if it is raised in a callback.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # shells set SIG_IGN for background processes
        signal.signal(signal.SIGINT, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _exit(number: int, _: object) -> None:
    os.write(2, STOPPED_MESSAGE)
    os._exit(128 + number)
