"""The contents of a span: all that people and programs wrote into it, and how it is redacted."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link
from opentelemetry.trace.span import TraceState

from instrumentation.redaction.reading import Reading
from patches.rewritten import rewritten

IDS = frozenset({"mlflow.traceRequestId", "mlflow.experimentId"})
"""Attributes that say where a span belongs."""
OUTPUTS = "mlflow.spanOutputs"
NUMBERED = re.compile(r"[._-]?\d+\Z")
"""What tells the events of a stream from each other: `mlflow.chunk.item.0`."""


class Redacting(Protocol):
    """What redacts: see `Redaction`."""

    def text(self, text: str) -> str: ...
    def value(self, value: Any) -> Any: ...
    def pieces(self, values: Sequence[Any]) -> list[Any]: ...
    def suspects(self, reading: Reading) -> bool: ...


def redact(span: ReadableSpan, redaction: Redacting) -> None:
    """Rewrite the span where it holds a secret. Most hold none, and cost one look at it all."""
    events = _streamed(span.events, redaction)
    streamed = events is not span.events
    if streamed or redaction.suspects(Reading(_all(span))):
        attributes = _attributes(span.attributes, redaction)
        if streamed and isinstance(told := attributes.get(OUTPUTS), str):
            attributes[OUTPUTS] = _chunks(told, redaction)
        rewritten(
            span,
            name=redaction.text(span.name),
            attributes=attributes,
            events=[_event(event, redaction) for event in events],
            links=[_link(link, redaction) for link in span.links],
            description=redaction.text(span.status.description or ""),
            resource=_resource(span.resource, redaction),
            state=TraceState([(key, redaction.text(told)) for key, told in _state(span)]),
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
    return "\0\n".join(parts)


def _attributes(attributes: Any, redaction: Redacting) -> dict[str, Any]:
    """The attributes, redacted; the mark of what was JSON, and hidden by its name, is JSON."""
    told = dict(attributes or {})
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
    attributes = _bounded(_attributes(event.attributes, redaction))
    return Event(redaction.text(event.name), attributes, event.timestamp)


def _link(link: Link, redaction: Redacting) -> Link:
    return Link(link.context, _bounded(_attributes(link.attributes, redaction)))


def _bounded(attributes: Mapping[str, Any]) -> BoundedAttributes:
    return BoundedAttributes(attributes=attributes)


def _streamed(events: Sequence[Event], redaction: Redacting) -> Sequence[Event]:
    """The events without what those of one stream spell together; the same where it is nothing."""
    streams: dict[tuple[str, str], list[int]] = defaultdict(list)
    if len(events) > 1:
        for index, event in enumerate(events):
            for key, value in (event.attributes or {}).items():
                if isinstance(value, str):
                    streams[NUMBERED.sub("", event.name), key].append(index)
    changed: dict[int, dict[str, Any]] = {}
    for (_, key), indices in streams.items():
        told = [(events[index].attributes or {})[key] for index in indices]
        for index, old, new in zip(indices, told, redaction.pieces(told), strict=True):
            if new is not old:
                changed.setdefault(index, dict(events[index].attributes or {}))[key] = new
    if not changed:
        return events
    return [
        Event(event.name, _bounded(changed[index]), event.timestamp) if index in changed else event
        for index, event in enumerate(events)
    ]


def _chunks(told: str, redaction: Redacting) -> str:
    """The output of a span that streamed: the list of what was streamed, or one text of it."""
    try:
        value = json.loads(told)
    except ValueError:
        return told
    if not isinstance(value, list):
        return told
    return json.dumps(redaction.pieces(value), ensure_ascii=False)
