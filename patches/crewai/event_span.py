"""A span of a CrewAI event: opened by the one that begins a piece of work, closed by its end."""

import sys
from collections.abc import Mapping
from typing import Any

from patches.support.open_span import OpenSpan

DEEPEST = 20
"""How many containers within each other a span shows."""


class NotDone(Exception):
    """Recorded on work of which CrewAI says that it failed, without the exception itself."""


class EventSpan(OpenSpan):
    """An open span that knows which event began it: `source` emitted `event`."""

    def __init__(
        self,
        source: Any,
        event: Any,
        name: str,
        span_type: str,
        inputs: Any = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        told = {key: value for key, value in (attributes or {}).items() if value is not None}
        super().__init__(source, name, span_type, inputs, told)
        self.begun: str = event.type

    def ends_with(self, begun: str, source: Any, event: Any) -> bool:
        """Whether `event`, which ends what a `begun` event began, ends this."""
        return not self.ended and self.begun == begun and self.owner is source

    def close(self, event: Any) -> BaseException | None:
        """Keep what the last event says; give back the error, if it tells of one."""
        return told_error(event)


def told_error(event: Any) -> BaseException | None:
    """The error that an event tells of: the very exception, where it is still being handled."""
    told = getattr(event, "error", None)
    if told is None or isinstance(told, BaseException):
        return told
    raised, words = sys.exception(), str(told)
    if raised is not None and (str(raised) == words or (str(raised) and str(raised) in words)):
        return raised
    return NotDone(told)


def shown(value: Any, *around: int) -> Any:
    """A value of the user's, as JSON; of an output its text, of any other object its class's name.

    An object is never dumped: it may hold an agent, and the agent its model, and that a key. Nor is
    a value inside itself, or one deeper than DEEPEST; `around` are the ids of those that hold it.
    """
    deeper = (*around, id(value))
    match value:
        case None | bool() | int() | float() | str():
            return value
        case _ if id(value) in around or len(around) == DEEPEST:
            return type(value).__name__
        case Mapping():
            return {str(key): shown(item, *deeper) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [shown(item, *deeper) for item in value]
        case _ if type(value).__module__.startswith("crewai.") and hasattr(value, "raw"):
            return value.raw
        case _:
            return type(value).__name__


def short(text: str, length: int = 60) -> str:
    """The first line of a text, cut to so many characters."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= length else f"{line[: length - 1]}…"
