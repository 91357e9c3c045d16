"""Keep the messages that a message filter received, so that an agent's turn shows what it withheld.

A message filter is an agent that wraps another one and passes on only some of the messages.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from patches.support.call_wrapping import set_for_block

_UNFILTERED: ContextVar[tuple[object, Sequence[Any]] | None] = ContextVar(
    "unfiltered messages", default=None
)
"""The agent name and the messages of the outermost filter around the running code.

A filter has the name of the agent that it wraps.
"""


def unfiltered_messages(agent: Any, received: Sequence[Any]) -> Sequence[Any]:
    """Return the messages before filtering; without a filter, those that the agent received."""
    name, messages = _UNFILTERED.get() or (None, received)
    return messages if name == agent.name else received


def filter_context(agent: Any, messages: Sequence[Any]) -> AbstractContextManager[None]:
    """Remember what a filter received while it runs; of nested filters, the outermost counts."""
    return set_for_block(_UNFILTERED, (agent.name, unfiltered_messages(agent, messages)))
