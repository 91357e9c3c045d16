"""The rewriting of a finished span, which OpenTelemetry hands to its processors to read only.

`Span.end` closes a span before a processor sees it: there is no public way to put other values in
the place of those that it has.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, Status
from opentelemetry.trace.span import TraceState


def rewrite_finished_span(
    span: ReadableSpan,
    *,
    name: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    events: Sequence[Event] | None = None,
    links: Iterable[Link] | None = None,
    status_description: str | None = None,
    resource: Resource | None = None,
    trace_state: TraceState | None = None,
) -> None:
    """Put these in the place of the span's own; what is None stays as it is.

    `state` is what the headers of a caller said of its trace.

    `attributes` are all that it is to have; `description` is its status's, and "" takes it away.
    Attributes and events are shared by every copy of the span, and are changed in all of them.
    """
    inside: Any = span
    if name is not None:
        inside._name = name
    if attributes is not None:
        _replace_attributes(inside, attributes)
    if events is not None:
        inside._events = tuple(events)
    if links is not None:
        inside._links = tuple(links)
    if status_description is not None:
        inside._status = Status(span.status.status_code, status_description or None)
    if resource is not None:
        inside._resource = resource
    if trace_state is not None:
        own = span.context
        inside._context = SpanContext(
            own.trace_id, own.span_id, own.is_remote, own.trace_flags, trace_state
        )


def _replace_attributes(span: Any, attributes: Mapping[str, Any]) -> None:
    """In place, so that a copy of the span that someone holds already is rewritten with it."""
    held = span._attributes
    if not isinstance(held, BoundedAttributes):
        span._attributes = dict(attributes)
        return
    held._immutable = False
    try:
        for key in [key for key in held if key not in attributes]:
            del held[key]
        for key, value in attributes.items():
            if held.get(key) is not value:
                held[key] = value
    finally:
        held._immutable = True
