"""Decode OTLP JSON: typed attribute values, and fields in camelCase or snake_case.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from instrumentation.trace.formats.exported_span import TraceNotFoundError
from instrumentation.trace.formats.json_documents import parse_json
from instrumentation.trace.wording import describe_value

OTLP_VALUES: Mapping[str, Callable[[Any], Any]] = {
    "stringValue": lambda value: _decode_container(value),
    "intValue": int,
    "doubleValue": float,
    "boolValue": bool,
    "bytesValue": str,
    "arrayValue": lambda value: [_otlp_value(one) for one in value.get("values") or ()],
    "kvlistValue": lambda value: otlp_attributes(value.get("values") or ()),
}
"""How each kind of value of OTLP is read."""


def otlp_attributes(pairs: Any) -> dict[str, Any]:
    """Attributes by key. Raises `TraceNotFoundError` if they are not a list of keys and values."""
    if not isinstance(pairs, Sequence) or not all(
        isinstance(pair, Mapping) and "key" in pair for pair in pairs
    ):
        raise TraceNotFoundError(
            f"its attributes are {describe_value(pairs)}; expected a list of"
            ' {"key": …, "value": {"stringValue": …}}'
        )
    return {str(pair["key"]): _otlp_value(pair.get("value") or {}) for pair in pairs}


def _otlp_value(value: Any) -> Any:
    """The value of an attribute. Raises `TraceNotFoundError` if it is not of its kind."""
    try:
        for kind, read in OTLP_VALUES.items():
            if (found := field_in_either_case(value, kind)) is not None:
                return read(found)
    except (AttributeError, TypeError, ValueError) as error:
        raise TraceNotFoundError(
            f"an attribute is {describe_value(value)}; expected a value of OTLP JSON, e.g."
            ' {"stringValue": "x"} or {"intValue": "7"}'
        ) from error
    return None


def _decode_container(text: str) -> Any:
    """The text, or the object, list or text that it encodes: OTLP has no type for nested values."""
    if text[:1] not in ("{", "[", '"'):
        return text
    try:
        return parse_json(text)
    except (ValueError, RecursionError):
        return text


def field_in_either_case(message: Mapping[str, Any], name: str) -> Any:
    """A field by its JSON name or by its name in the protocol buffers; both are in use."""
    snake = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
    return message.get(name, message.get(snake))
