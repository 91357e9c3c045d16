"""An `EventSpan` is opened by a CrewAI start event and ended by the matching end event."""

import sys
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from patches.support.open_span import OpenSpan

MAX_DEPTH = 20
"""How many nested containers of a value are recorded."""
MAX_NAME_CHARS = 60


class ReportedFailureError(Exception):
    """Recorded on work that CrewAI reports as failed, if the exception itself is unknown."""


class ExpectedStart(SimpleNamespace):
    """Has the data of a start event that CrewAI may emit later, or not at all."""


class EventSpan(OpenSpan):
    """The span of a pair of events; its owner is the source of the start event.

    `is_reported` says whether CrewAI has emitted the start event, `output_field` which field of the
    end event becomes the outputs, if any.
    """

    output_field = ""

    def __init__(
        self,
        source: Any,
        event: Any,
        name: str,
        span_type: str,
        inputs: Any = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        self.start_type: str = event.type
        self.is_reported = not isinstance(event, ExpectedStart)
        super().__init__(source, name, span_type, inputs, attributes or {})

    def accept_start(self, source: Any, event: Any) -> bool:
        """Record a start event if it is the one that this span expects; return whether it is."""
        if self.is_ended or self.is_reported:
            return False
        if self.start_type != event.type or self.owner is not source:
            return False
        self.is_reported = True
        self.record_start(event)
        return True

    def record_start(self, event: Any) -> None:
        """Record the data of the start event."""

    def is_ended_by(self, start_type: str, source: Any, event: Any) -> bool:
        """Return whether this is the span that an event ends, which matches `start_type`."""
        return not self.is_ended and self.start_type == start_type and self.owner is source

    def record_end(self, event: Any) -> BaseException | None:
        """Record the data of the end event; return the error that it reports, if any."""
        if self.output_field:
            self.outputs = to_json(getattr(event, self.output_field, None))
        return event_error(event)


def event_error(event: Any) -> BaseException | None:
    """Return the error that an event reports.

    CrewAI often reports only the message; if the exception is still being handled, it is returned.
    """
    reported = getattr(event, "error", None)
    if reported is None or isinstance(reported, BaseException):
        return reported
    handled, message = sys.exception(), str(reported)
    if handled is not None and (
        str(handled) == message or (str(handled) and str(handled) in message)
    ):
        return handled
    return ReportedFailureError(reported)


def to_json(value: Any, *outer_ids: int) -> Any:
    """Convert a user's value to JSON data: outputs to their text, objects to their class.

    Objects are never dumped: one may contain an agent, whose model contains an API key. A container
    inside itself, or nested deeper than `MAX_DEPTH`, is replaced by its class name; `outer_ids` are
    the ids of the containers around it.
    """
    ids = (*outer_ids, id(value))
    match value:
        case None | bool() | int() | float() | str():
            return value
        case _ if id(value) in outer_ids or len(outer_ids) == MAX_DEPTH:
            return type(value).__name__
        case Mapping():
            return {str(key): to_json(item, *ids) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_json(item, *ids) for item in value]
        case _ if type(value).__module__.startswith("crewai.") and hasattr(value, "raw"):
            return value.raw
        case _ if type(value).__module__ == "crewai.flow.human_feedback":
            kept = ("output", "feedback", "outcome")
            return {name: to_json(getattr(value, name, None), *ids) for name in kept}
        case _:
            return type(value).__name__


def iter_texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value, without surrounding white space; containers may be nested."""
    match value:
        case str():
            yield value.strip()
        case Mapping():
            for item in value.values():
                yield from iter_texts(item)
        case list() | tuple() | set() | frozenset():
            for item in value:
                yield from iter_texts(item)


def first_line(text: str) -> str:
    """Return the first line of a text, shortened to `MAX_NAME_CHARS`."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= MAX_NAME_CHARS else f"{line[: MAX_NAME_CHARS - 1]}…"
