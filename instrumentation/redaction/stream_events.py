"""A streamed span: its events, and its outputs, spell together what none of them says alone."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event

from instrumentation.redaction.storable_text import storable

NUMBERED = re.compile(r"[._-]?\d+\Z")
"""What tells the events of a stream from each other: `mlflow.chunk.item.0`."""


class Pieces(Protocol):
    """What redacts pieces: see `Redaction`."""

    def pieces(self, values: Sequence[Any]) -> list[Any]: ...


def streamed(events: Sequence[Event], redaction: Pieces) -> Sequence[Event]:
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
        Event(event.name, bounded(changed[index]), event.timestamp) if index in changed else event
        for index, event in enumerate(events)
    ]


def chunks(told: str, redaction: Pieces) -> str:
    """The output of a span that streamed: the list of what was streamed, or one text of it."""
    try:
        value = json.loads(told)
    except ValueError:
        return told
    if not isinstance(value, list):
        return told
    return storable(json.dumps(redaction.pieces(value), ensure_ascii=False))


def bounded(attributes: Mapping[str, Any]) -> BoundedAttributes:
    return BoundedAttributes(attributes=attributes)
