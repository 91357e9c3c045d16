"""Redact a finished span: its name, attributes, events, streams, links, status and resource."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link
from opentelemetry.trace.span import TraceState

from instrumentation.redaction.nested_values import make_storable
from instrumentation.redaction.searchable_text import SearchableText
from patches.opentelemetry.finished_span import rewrite_finished_span

if TYPE_CHECKING:
    from instrumentation.redaction.redaction import Redaction

NUMBER_SUFFIX = re.compile(r"[._-]?\d+\Z")
"""The part of an event's name that differs within a stream: `mlflow.chunk.item.0`."""

ID_ATTRIBUTES = frozenset({"mlflow.traceRequestId", "mlflow.experimentId"})
"""Attributes that assign a span to its trace and experiment."""
OUTPUTS_ATTRIBUTE = "mlflow.spanOutputs"
SEPARATOR = "\1\n"
"""A text that no secret contains and every store accepts."""


def redact_stream_events(events: Sequence[Event], redactor: "Redaction") -> Sequence[Event]:
    """Redact secrets that are split over the events of a stream.

    Events belong to one stream if their names differ only in a number. Returns the same object if
    nothing changes.
    """
    streams: dict[tuple[str, str], list[int]] = defaultdict(list)
    if len(events) > 1:
        for index, event in enumerate(events):
            for key, value in (event.attributes or {}).items():
                if isinstance(value, str):
                    streams[NUMBER_SUFFIX.sub("", event.name), key].append(index)
    changes: dict[int, dict[str, Any]] = {}
    for (_, key), indices in streams.items():
        values = [(events[index].attributes or {})[key] for index in indices]
        for index, old, new in zip(indices, values, redactor.redact_chunks(values), strict=True):
            if new is not old:
                changes.setdefault(index, dict(events[index].attributes or {}))[key] = new
    if not changes:
        return events
    return [
        Event(event.name, BoundedAttributes(attributes=changes[index]), event.timestamp)
        if index in changes
        else event
        for index, event in enumerate(events)
    ]


def redact_stream_output(output: str, redactor: "Redaction") -> str:
    """Redact the outputs of a streamed span, if they are a JSON list of chunks."""
    try:
        chunks = json.loads(output)
    except ValueError:
        return output
    if not isinstance(chunks, list):
        return output
    return make_storable(json.dumps(redactor.redact_chunks(chunks), ensure_ascii=False))


def redact_contents(span: ReadableSpan, redactor: "Redaction") -> None:
    """Redact a finished span in place, if it contains a secret or text that cannot be stored.

    Most spans contain neither, and cost one search of their joined text.
    """
    original_events = span.events  # a new tuple each time
    events = redact_stream_events(original_events, redactor)
    has_stream_secret = events is not original_events
    if has_stream_secret or redactor.may_contain_secret(SearchableText(_joined_text(span))):
        attributes = _redact_attributes(span.attributes, redactor)
        if has_stream_secret and isinstance(output := attributes.get(OUTPUTS_ATTRIBUTE), str):
            attributes[OUTPUTS_ATTRIBUTE] = redact_stream_output(output, redactor)
        rewrite_finished_span(
            span,
            name=redactor.redact_value(span.name),
            attributes=attributes,
            events=[_redact_event(event, redactor) for event in events],
            links=[_redact_link(link, redactor) for link in span.links],
            status_description=redactor.redact_value(span.status.description or ""),
            resource=_redact_resource(span.resource, redactor),
            trace_state=TraceState(
                [(key, redactor.redact_value(value)) for key, value in _trace_state(span)]
            ),
        )


def _joined_text(span: ReadableSpan) -> str:
    """All texts of a span in one, separated so that no match extends over two of them."""
    texts = [span.name, span.status.description or ""]
    attribute_sets: list[Any] = [span.attributes, *(event.attributes for event in span.events)]
    attribute_sets += [link.attributes for link in span.links]
    attribute_sets.append(span.resource.attributes)
    texts += [event.name for event in span.events]
    texts += [value for _, value in _trace_state(span)]
    for attributes in attribute_sets:
        for key, value in (attributes or {}).copy().items():  # a view of them is slow
            if key not in ID_ATTRIBUTES:
                texts.append(f"{key}={value!s}")
                texts += _raw_texts(value)
    return SEPARATOR.join(texts)


def _raw_texts(value: Any) -> list[str]:
    """The texts of a list or of bytes, whose `str()` would escape unstorable characters."""
    if isinstance(value, str):
        return []
    items = value if isinstance(value, list | tuple) else [value]
    return [
        item.decode("utf-8", "surrogateescape") if isinstance(item, bytes) else str(item)
        for item in items
    ]


def _decode_bytes(value: Any) -> Any:
    """Decode bytes as UTF-8, because they are stored as text."""
    if isinstance(value, list | tuple):
        return [_decode_bytes(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _redact_attributes(attributes: Any, redactor: "Redaction") -> dict[str, Any]:
    """Redact attributes. A placeholder for a JSON string is a JSON string, too."""
    values = {key: _decode_bytes(value) for key, value in (attributes or {}).items()}
    ids = {key: values.pop(key) for key in ID_ATTRIBUTES if key in values}
    redacted: Mapping[str, Any] = redactor.redact_value(values)
    encoded = {
        key: json.dumps(new)
        if _is_json_string(values.get(key)) and not _is_json_string(new)
        else new
        for key, new in redacted.items()
    }
    return {**ids, **encoded}


def _is_json_string(value: Any) -> bool:
    return isinstance(value, str) and value[:1] == value[-1:] == '"'


def _redact_resource(resource: Resource, redactor: "Redaction") -> Resource:
    attributes = dict(resource.attributes)
    redacted = redactor.redact_value(attributes)
    return resource if redacted is attributes else Resource(redacted, resource.schema_url)


def _trace_state(span: ReadableSpan) -> list[tuple[str, str]]:
    """The trace state from the headers of a remote caller."""
    return list(span.context.trace_state.items())


def _redact_event(event: Event, redactor: "Redaction") -> Event:
    attributes = BoundedAttributes(attributes=_redact_attributes(event.attributes, redactor))
    return Event(redactor.redact_value(event.name), attributes, event.timestamp)


def _redact_link(link: Link, redactor: "Redaction") -> Link:
    attributes = BoundedAttributes(attributes=_redact_attributes(link.attributes, redactor))
    return Link(link.context, attributes)
