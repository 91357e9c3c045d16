"""Rewrite a finished OpenTelemetry span in place: name, attributes, events, links, status.

`Span.end` makes a span read-only before the span processors see it, and OpenTelemetry has no
public way to change it afterwards.
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
    """Replace parts of a finished span; what is None stays unchanged.

    All copies of a span share its attributes and events, so these change in every copy. An empty
    `status_description` removes it. A caller's headers may have set the W3C `trace_state`.
    """
    mutable: Any = span
    if name is not None:
        mutable._name = name
    if attributes is not None:
        _replace_attributes(mutable, attributes)
    if events is not None:
        mutable._events = tuple(events)
    if links is not None:
        mutable._links = tuple(links)
    if status_description is not None:
        mutable._status = Status(span.status.status_code, status_description or None)
    if resource is not None:
        mutable._resource = resource
    if trace_state is not None:
        old = span.context
        mutable._context = SpanContext(
            old.trace_id, old.span_id, old.is_remote, old.trace_flags, trace_state
        )


def _replace_attributes(span: Any, attributes: Mapping[str, Any]) -> None:
    """Replace them in the same object, so that existing copies of the span change too."""
    current = span._attributes
    if not isinstance(current, BoundedAttributes):
        span._attributes = dict(attributes)
        return
    current._immutable = False
    try:
        for key in [key for key in current if key not in attributes]:
            del current[key]
        for key, value in attributes.items():
            if current.get(key) is not value:
                current[key] = value
    finally:
        current._immutable = True
