"""The contents of a span: all that people and programs wrote into it, and how it is redacted."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link
from opentelemetry.trace.span import TraceState

from instrumentation.redaction.searchable_text import SearchableText
from instrumentation.redaction.stream_events import (
    ChunkRedactor,
    redact_stream_events,
    redact_stream_output,
    to_bounded_attributes,
)
from patches.opentelemetry.finished_span import rewrite_finished_span

ID_ATTRIBUTES = frozenset({"mlflow.traceRequestId", "mlflow.experimentId"})
"""Attributes that say where a span belongs."""
OUTPUTS_ATTRIBUTE = "mlflow.spanOutputs"
SEPARATOR = "\1\n"
"""What no secret has in it, and every store can hold."""


class SpanRedactor(ChunkRedactor, Protocol):
    """What redacts: see `Redaction`."""

    def redact_value(self, value: Any) -> Any: ...
    def may_contain_secret(self, searchable: SearchableText) -> bool: ...


def redact_contents(span: ReadableSpan, redaction: SpanRedactor) -> None:
    """Rewrite the span where it holds a secret, or what can't be stored.

    Most hold neither, and cost one look at it all.
    """
    events = redact_stream_events(span.events, redaction)
    spelt = events is not span.events
    if spelt or redaction.may_contain_secret(SearchableText(_joined_text(span))):
        attributes = _redact_attributes(span.attributes, redaction)
        if spelt and isinstance(told := attributes.get(OUTPUTS_ATTRIBUTE), str):
            attributes[OUTPUTS_ATTRIBUTE] = redact_stream_output(told, redaction)
        rewrite_finished_span(
            span,
            name=redaction.redact_value(span.name),
            attributes=attributes,
            events=[_redact_event(event, redaction) for event in events],
            links=[_redact_link(link, redaction) for link in span.links],
            status_description=redaction.redact_value(span.status.description or ""),
            resource=_redact_resource(span.resource, redaction),
            trace_state=TraceState(
                [(key, redaction.redact_value(told)) for key, told in _trace_state(span)]
            ),
        )


def _joined_text(span: ReadableSpan) -> str:
    """All that the span says, in one text; the parts are apart, so that none runs into the next."""
    parts = [span.name, span.status.description or ""]
    held = [span.attributes, *(event.attributes for event in span.events)]
    held += [link.attributes for link in span.links]
    held.append(span.resource.attributes)
    parts += [event.name for event in span.events]
    parts += [told for _, told in _trace_state(span)]
    for attributes in held:
        for key, value in (attributes or {}).items():
            if key not in ID_ATTRIBUTES:
                parts.append(f"{key}={value!s}")
                parts += _raw_texts(value)
    return SEPARATOR.join(parts)


def _raw_texts(value: Any) -> list[str]:
    """What no store can hold, as it is, where a list or bytes would be spelt with escapes."""
    items = value if isinstance(value, list | tuple) else [value]
    if isinstance(value, str):
        return []
    return [
        item.decode("utf-8", "surrogateescape") if isinstance(item, bytes) else str(item)
        for item in items
    ]


def _decode_bytes(value: Any) -> Any:
    """Bytes, which are stored as a text, in UTF-8."""
    if isinstance(value, list | tuple):
        return [_decode_bytes(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _redact_attributes(attributes: Any, redaction: SpanRedactor) -> dict[str, Any]:
    """The attributes, redacted; the mark of what was JSON, and hidden by its name, is JSON."""
    told = {key: _decode_bytes(value) for key, value in (attributes or {}).items()}
    ids = {key: told.pop(key) for key in ID_ATTRIBUTES if key in told}
    changed: Mapping[str, Any] = redaction.redact_value(told)
    spelt = {
        key: json.dumps(new) if _is_json_string(told.get(key)) and not _is_json_string(new) else new
        for key, new in changed.items()
    }
    return {**ids, **spelt}


def _is_json_string(value: Any) -> bool:
    return isinstance(value, str) and value[:1] == value[-1:] == '"'


def _redact_resource(resource: Resource, redaction: SpanRedactor) -> Resource:
    told = dict(resource.attributes)
    changed = redaction.redact_value(told)
    return resource if changed is told else Resource(changed, resource.schema_url)


def _trace_state(span: ReadableSpan) -> list[tuple[str, str]]:
    """What a caller's headers said of its trace, if there was one."""
    return list(span.context.trace_state.items())


def _redact_event(event: Event, redaction: SpanRedactor) -> Event:
    attributes = to_bounded_attributes(_redact_attributes(event.attributes, redaction))
    return Event(redaction.redact_value(event.name), attributes, event.timestamp)


def _redact_link(link: Link, redaction: SpanRedactor) -> Link:
    return Link(link.context, to_bounded_attributes(_redact_attributes(link.attributes, redaction)))
