"""What a filter was shown, for the turn of the agent behind it: what the filter kept back is known.

A filter is an agent around another one. Which of the messages it passes on is its own affair.
"""

from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_SHOWN: ContextVar[tuple[object, Sequence[Any]] | None] = ContextVar("shown", default=None)
"""The name that the outermost filter around the running code shares with its agent, and what the
filter was shown."""


def shown(agent: Any, given: Sequence[Any]) -> Sequence[Any]:
    """What there was for the agent: what filters around it were shown, else what it is given."""
    name, messages = _SHOWN.get() or (None, given)
    return messages if name == agent.name else given


@contextmanager
def filtering(agent: Any, messages: Sequence[Any]) -> Generator[None]:
    """A filter at work on what it was shown; of several, one around the other, the outermost's."""
    token = _SHOWN.set((agent.name, shown(agent, messages)))
    try:
        yield
    finally:
        _SHOWN.reset(token)


async def filtered(
    agent: Any, messages: Sequence[Any], stream: AsyncIterator[Any]
) -> AsyncIterator[Any]:
    """Hand on what comes through a filter, which is at work only while the next item is made."""
    try:
        while True:
            with filtering(agent, messages):
                item = await anext(stream, _END)
            if item is _END:
                return
            yield item
    finally:
        if (close := getattr(stream, "aclose", None)) is not None:
            with filtering(agent, messages):
                await close()


_END: Any = object()
