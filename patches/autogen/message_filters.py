"""What a filter was shown, for the turn of the agent behind it: what the filter kept back is known.

A filter is an agent around another one. Which of the messages it passes on is its own affair.
"""

from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_UNFILTERED: ContextVar[tuple[object, Sequence[Any]] | None] = ContextVar("shown", default=None)
"""The name that the outermost filter around the running code shares with its agent, and what the
filter was shown."""


def unfiltered_messages(agent: Any, received: Sequence[Any]) -> Sequence[Any]:
    """What there was for the agent: what filters around it were shown, else what it is given."""
    name, messages = _UNFILTERED.get() or (None, received)
    return messages if name == agent.name else received


@contextmanager
def filter_context(agent: Any, messages: Sequence[Any]) -> Generator[None]:
    """A filter at work on what it was shown; of several, one around the other, the outermost's."""
    token = _UNFILTERED.set((agent.name, unfiltered_messages(agent, messages)))
    try:
        yield
    finally:
        _UNFILTERED.reset(token)


async def track_filter(
    agent: Any, messages: Sequence[Any], stream: AsyncIterator[Any]
) -> AsyncIterator[Any]:
    """Hand on what comes through a filter, which is at work only while the next item is made."""
    try:
        while True:
            with filter_context(agent, messages):
                item = await anext(stream, _END)
            if item is _END:
                return
            yield item
    finally:
        if (close := getattr(stream, "aclose", None)) is not None:
            with filter_context(agent, messages):
                await close()


_END: Any = object()
