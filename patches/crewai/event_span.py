"""A span of a CrewAI event: opened by the one that begins a piece of work, closed by its end."""

import sys
from collections.abc import Mapping
from typing import Any

from patches.support.open_span import OpenSpan

MAX_DEPTH = 20
"""How many containers within each other a span shows."""


class ReportedFailureError(Exception):
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
        self.start_type: str = event.type

    def is_ended_by(self, start_type: str, source: Any, event: Any) -> bool:
        """Whether `event`, which ends what a `begun` event began, ends this."""
        return not self.is_ended and self.start_type == start_type and self.owner is source

    def record_end(self, event: Any) -> BaseException | None:
        """Keep what the last event says; give back the error, if it tells of one."""
        return event_error(event)


def event_error(event: Any) -> BaseException | None:
    """The error that an event tells of: the very exception, where it is still being handled."""
    told = getattr(event, "error", None)
    if told is None or isinstance(told, BaseException):
        return told
    raised, words = sys.exception(), str(told)
    if raised is not None and (str(raised) == words or (str(raised) and str(raised) in words)):
        return raised
    return ReportedFailureError(told)


def to_json(value: Any, *around: int) -> Any:
    """A value of the user's, as JSON; of an output its text, of any other object its class's name.

    An object is never dumped: it may hold an agent, and the agent its model, and that a key. Nor is
    a value inside itself, or one deeper than DEEPEST; `around` are the ids of those that hold it.
    """
    deeper = (*around, id(value))
    match value:
        case None | bool() | int() | float() | str():
            return value
        case _ if id(value) in around or len(around) == MAX_DEPTH:
            return type(value).__name__
        case Mapping():
            return {str(key): to_json(item, *deeper) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_json(item, *deeper) for item in value]
        case _ if type(value).__module__.startswith("crewai.") and hasattr(value, "raw"):
            return value.raw
        case _:
            return type(value).__name__


def first_line(text: str, length: int = 60) -> str:
    """The first line of a text, cut to so many characters."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= length else f"{line[: length - 1]}…"
