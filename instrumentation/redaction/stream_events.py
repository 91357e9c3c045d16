"""A streamed span: its events, and its outputs, spell together what none of them says alone."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event

from instrumentation.redaction.storable_text import make_storable

NUMBER_SUFFIX = re.compile(r"[._-]?\d+\Z")
"""What tells the events of a stream from each other: `mlflow.chunk.item.0`."""


class ChunkRedactor(Protocol):
    """What redacts pieces: see `Redaction`."""

    def redact_chunks(self, values: Sequence[Any]) -> list[Any]: ...


def redact_stream_events(events: Sequence[Event], redaction: ChunkRedactor) -> Sequence[Event]:
    """The events without what those of one stream spell together; the same where it is nothing."""
    streams: dict[tuple[str, str], list[int]] = defaultdict(list)
    if len(events) > 1:
        for index, event in enumerate(events):
            for key, value in (event.attributes or {}).items():
                if isinstance(value, str):
                    streams[NUMBER_SUFFIX.sub("", event.name), key].append(index)
    changed: dict[int, dict[str, Any]] = {}
    for (_, key), indices in streams.items():
        told = [(events[index].attributes or {})[key] for index in indices]
        for index, old, new in zip(indices, told, redaction.redact_chunks(told), strict=True):
            if new is not old:
                changed.setdefault(index, dict(events[index].attributes or {}))[key] = new
    if not changed:
        return events
    return [
        Event(event.name, to_bounded_attributes(changed[index]), event.timestamp)
        if index in changed
        else event
        for index, event in enumerate(events)
    ]


def redact_stream_output(output: str, redaction: ChunkRedactor) -> str:
    """The output of a span that streamed: the list of what was streamed, or one text of it."""
    try:
        value = json.loads(output)
    except ValueError:
        return output
    if not isinstance(value, list):
        return output
    return make_storable(json.dumps(redaction.redact_chunks(value), ensure_ascii=False))


def to_bounded_attributes(attributes: Mapping[str, Any]) -> BoundedAttributes:
    return BoundedAttributes(attributes=attributes)
