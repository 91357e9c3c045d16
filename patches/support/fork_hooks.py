"""Call functions before and after `os.fork`, while a block is active."""

import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class ForkHooks:
    """Functions without arguments; see `fork_hooks`."""

    before: Callable[[], None]
    after_in_parent: Callable[[], None]
    after_in_child: Callable[[], None]


_ACTIVE: list[ForkHooks] = []
"""Python cannot unregister a hook, so one hook per process calls those that are active."""
_REGISTERED: list[bool] = []


@contextmanager
def fork_hooks(
    before: Callable[[], None] = lambda: None,
    after_in_parent: Callable[[], None] = lambda: None,
    after_in_child: Callable[[], None] = lambda: None,
) -> Generator[None]:
    """Call the functions around each fork of this process, as `os.register_at_fork` does.

    The functions must not raise. Does nothing on Windows, which has no fork.
    """
    if hasattr(os, "register_at_fork") and not _REGISTERED:
        _REGISTERED.append(True)
        os.register_at_fork(
            before=lambda: _call(hooks.before for hooks in reversed(_ACTIVE)),
            after_in_parent=lambda: _call(hooks.after_in_parent for hooks in _ACTIVE),
            after_in_child=lambda: _call(hooks.after_in_child for hooks in _ACTIVE),
        )
    hooks = ForkHooks(before, after_in_parent, after_in_child)
    _ACTIVE.append(hooks)
    try:
        yield
    finally:
        _ACTIVE.remove(hooks)


def _call(functions: Iterable[Callable[[], None]]) -> None:
    for function in functions:
        function()
