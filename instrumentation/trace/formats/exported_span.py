"""Check the fields of a span that MLflow exported: an error names the span and the field."""

from collections.abc import Callable, Mapping
from typing import Any

from instrumentation.trace.wording import describe_value

MAX_TIME_NS = 2**63 - 1
"""The latest time that fits into the protocol of OpenTelemetry: in the year 2262."""
NANOSECONDS = "nanoseconds since 1970, an integer of up to 19 digits"


class TraceNotFoundError(Exception):
    """There is no readable trace: it is missing, empty, or its spans do not form a tree."""


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value <= MAX_TIME_NS


FIELDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "span_id": (_is_text, "a text"),
    "parent_span_id": (lambda value: value is None or _is_text(value), "a text, or null"),
    "name": (_is_text, "a text"),
    "start_time_unix_nano": (_is_time, NANOSECONDS),
    "end_time_unix_nano": (lambda value: value is None or _is_time(value), NANOSECONDS),
    "status": (
        lambda value: isinstance(value, Mapping) and _is_text(value.get("code")),
        'an object with a code, e.g. {"code": "STATUS_CODE_OK"}',
    ),
    "attributes": (lambda value: isinstance(value, Mapping), "an object"),
}
"""By field of a span, whether a value is valid, and a description of valid values."""


def check_exported_span(span: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return a span of `mlflow.entities.Trace.to_dict()` with its times as integers.

    `number` is its position among the spans of the trace, from 1.

    Raises:
        TraceNotFoundError: A field is missing, or is not of its type.
    """
    checked = dict(span)
    for field in ("start_time_unix_nano", "end_time_unix_nano"):
        checked[field] = _to_integer(span.get(field))
    checked["end_time_unix_nano"] = checked["end_time_unix_nano"] or None
    for field, (is_valid, expected) in FIELDS.items():
        if not is_valid(checked.get(field)):
            found = describe_value(span[field]) if field in span else "missing"
            name = f" ({describe_value(span['name'])})" if span.get("name") else ""
            raise TraceNotFoundError(
                f'span {number}{name}: "{field}" is {found}; expected {expected}'
            )
    return checked


def _to_integer(time: Any) -> Any:
    """A time as an integer: OTLP JSON has texts of digits, and JavaScript writes 1e18 for some."""
    if isinstance(time, str) and time.isdecimal() and len(time) <= len(str(MAX_TIME_NS)):
        return int(time)
    return int(time) if isinstance(time, float) and time.is_integer() else time
