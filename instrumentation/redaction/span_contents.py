"""The contents of a span: all that people and programs wrote into it, and how it is redacted."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link
from opentelemetry.trace.span import TraceState

from instrumentation.redaction.searchable_text import Reading
from instrumentation.redaction.stream_events import Pieces, bounded, chunks, streamed
from patches.opentelemetry.finished_span import rewritten

IDS = frozenset({"mlflow.traceRequestId", "mlflow.experimentId"})
"""Attributes that say where a span belongs."""
OUTPUTS = "mlflow.spanOutputs"
APART = "\1\n"
"""What no secret has in it, and every store can hold."""


class Redacting(Pieces, Protocol):
    """What redacts: see `Redaction`."""

    def value(self, value: Any) -> Any: ...
    def suspects(self, reading: Reading) -> bool: ...


def redact(span: ReadableSpan, redaction: Redacting) -> None:
    """Rewrite the span where it holds a secret, or what can't be stored.

    Most hold neither, and cost one look at it all.
    """
    events = streamed(span.events, redaction)
    spelt = events is not span.events
    if spelt or redaction.suspects(Reading(_all(span))):
        attributes = _attributes(span.attributes, redaction)
        if spelt and isinstance(told := attributes.get(OUTPUTS), str):
            attributes[OUTPUTS] = chunks(told, redaction)
        rewritten(
            span,
            name=redaction.value(span.name),
            attributes=attributes,
            events=[_event(event, redaction) for event in events],
            links=[_link(link, redaction) for link in span.links],
            description=redaction.value(span.status.description or ""),
            resource=_resource(span.resource, redaction),
            state=TraceState([(key, redaction.value(told)) for key, told in _state(span)]),
        )


def _all(span: ReadableSpan) -> str:
    """All that the span says, in one text; the parts are apart, so that none runs into the next."""
    parts = [span.name, span.status.description or ""]
    held = [span.attributes, *(event.attributes for event in span.events)]
    held += [link.attributes for link in span.links]
    held.append(span.resource.attributes)
    parts += [event.name for event in span.events]
    parts += [told for _, told in _state(span)]
    for attributes in held:
        for key, value in (attributes or {}).items():
            if key not in IDS:
                parts.append(f"{key}={value!s}")
                parts += _odd(value)
    return APART.join(parts)


def _odd(value: Any) -> list[str]:
    """What no store can hold, as it is, where a list or bytes would be spelt with escapes."""
    items = value if isinstance(value, list | tuple) else [value]
    if isinstance(value, str):
        return []
    return [
        item.decode("utf-8", "surrogateescape") if isinstance(item, bytes) else str(item)
        for item in items
    ]


def _text(value: Any) -> Any:
    """Bytes, which are stored as a text, in UTF-8."""
    if isinstance(value, list | tuple):
        return [_text(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _attributes(attributes: Any, redaction: Redacting) -> dict[str, Any]:
    """The attributes, redacted; the mark of what was JSON, and hidden by its name, is JSON."""
    told = {key: _text(value) for key, value in (attributes or {}).items()}
    ids = {key: told.pop(key) for key in IDS if key in told}
    changed: Mapping[str, Any] = redaction.value(told)
    spelt = {
        key: json.dumps(new) if _json_string(told.get(key)) and not _json_string(new) else new
        for key, new in changed.items()
    }
    return {**ids, **spelt}


def _json_string(value: Any) -> bool:
    return isinstance(value, str) and value[:1] == value[-1:] == '"'


def _resource(resource: Resource, redaction: Redacting) -> Resource:
    told = dict(resource.attributes)
    changed = redaction.value(told)
    return resource if changed is told else Resource(changed, resource.schema_url)


def _state(span: ReadableSpan) -> list[tuple[str, str]]:
    """What a caller's headers said of its trace, if there was one."""
    return list(span.context.trace_state.items())


def _event(event: Event, redaction: Redacting) -> Event:
    attributes = bounded(_attributes(event.attributes, redaction))
    return Event(redaction.value(event.name), attributes, event.timestamp)


def _link(link: Link, redaction: Redacting) -> Link:
    return Link(link.context, bounded(_attributes(link.attributes, redaction)))
