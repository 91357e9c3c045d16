"""Store spans before `os._exit` and `os.exec*`, after which Python runs nothing at exit."""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from threading import Thread
from typing import Any, NoReturn

from patches.support.call_wrapping import replace_for_block

PATIENCE_S = 20.0
"""How long the end of a process waits; a flush gives a store up after ten seconds."""


@contextmanager
def call_before_abrupt_end(
    on_exit: Callable[[], None], on_exec: Callable[[], None]
) -> Generator[None]:
    """Call `on_exit` before `os._exit`, and `on_exec` before this process becomes another program.

    If the new program cannot be executed, this process goes on, maybe after `on_exec`.
    """
    leave = os._exit

    def exit_after_call(status: int) -> NoReturn:
        _call_within_limit(on_exit)
        leave(status)

    def exec_after_call(execute: Callable[..., NoReturn], path: Any, *arguments: Any) -> NoReturn:
        # `os.execvp` tries each folder in PATH; a number is an open file.
        if isinstance(path, int) or (os.path.isfile(path) and os.access(path, os.X_OK)):
            _call_within_limit(on_exec)
        execute(path, *arguments)

    with replace_for_block(  # the other functions of `os` call these
        os,
        _exit=exit_after_call,
        execv=partial(exec_after_call, os.execv),
        execve=partial(exec_after_call, os.execve),
    ):
        yield


def _call_within_limit(function: Callable[[], None]) -> None:
    """Call a function in a thread: a signal's handler may have interrupted code that has a lock."""
    thread = Thread(target=function, name="trace-abrupt-end", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # Python 3.12 starts no thread while it ends
        function()
        return
    thread.join(PATIENCE_S)
    if thread.is_alive():
        message = f"the spans could not be stored within {PATIENCE_S:g} s and are lost"
        print(f"flight-recorder: {message}", file=sys.stderr)
