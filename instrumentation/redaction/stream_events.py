"""Redact secrets that are split over the chunks of a stream, in a span's events and outputs."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event

from instrumentation.redaction.storable_text import make_storable

NUMBER_SUFFIX = re.compile(r"[._-]?\d+\Z")
"""The part of an event's name that differs within a stream: `mlflow.chunk.item.0`."""


class ChunkRedactor(Protocol):
    """Redacts chunks; see `Redaction`."""

    def redact_chunks(self, values: Sequence[Any]) -> list[Any]: ...


def redact_stream_events(events: Sequence[Event], redactor: ChunkRedactor) -> Sequence[Event]:
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
        Event(event.name, to_bounded_attributes(changes[index]), event.timestamp)
        if index in changes
        else event
        for index, event in enumerate(events)
    ]


def redact_stream_output(output: str, redactor: ChunkRedactor) -> str:
    """Redact the outputs of a streamed span, if they are a JSON list of chunks."""
    try:
        chunks = json.loads(output)
    except ValueError:
        return output
    if not isinstance(chunks, list):
        return output
    return make_storable(json.dumps(redactor.redact_chunks(chunks), ensure_ascii=False))


def to_bounded_attributes(attributes: Mapping[str, Any]) -> BoundedAttributes:
    return BoundedAttributes(attributes=attributes)
