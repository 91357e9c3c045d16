"""Find where received spans differ from OpenTelemetry's conventions for generative AI.

`genai_registry.json` holds the part of the published registry that is checked, and its source.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.instrumentation.export.otlp_receiver import span_attributes, span_status

REGISTRY: Mapping[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text())
OPERATIONS = {
    operation: rules for rules in REGISTRY["spans"].values() for operation in rules["operations"]
}
OTHER_NAMESPACES = (
    *("flight_recorder.", "mlflow.", "openinference.", "input.", "output."),
    *("error.", "http.", "session.", "url.", "user."),
)
"""Namespaces of the other attributes that are exported: ours, and those of other conventions."""
PYTHON_TYPES = {"string": str, "int": int, "double": float, "boolean": bool}
MESSAGES = ("gen_ai.input.messages", "gen_ai.output.messages")
ROLES = ("system", "developer", "user", "assistant", "tool")


def find_differences(span: Span) -> list[str]:
    """Return a sentence for each difference of a span from the conventions."""
    attributes = span_attributes(span)
    return [
        f"{span.name}: {difference}"
        for check in (_check_attributes, _check_operation, _check_messages, _check_error)
        for difference in check(span, attributes)
    ]


def operations_of(spans: Iterator[Span]) -> set[str]:
    """Return the operations of spans; not the spans that are none."""
    operations = (span_attributes(span).get("gen_ai.operation.name") for span in spans)
    return {operation for operation in operations if operation}


def _check_attributes(span: Span, attributes: Mapping[str, Any]) -> Iterator[str]:
    for key, value in attributes.items():
        expected = REGISTRY["types"].get(key)
        if expected is None and not key.startswith(OTHER_NAMESPACES):
            yield f"{key} is not in the registry, nor ours"
        elif expected is not None and not _has_type(value, expected):
            yield f"{key} must be {expected}, not {value!r}"


def _has_type(value: Any, expected: str) -> bool:
    if expected == "any":
        return True
    if expected.endswith("[]"):
        return isinstance(value, list) and all(_has_type(item, expected[:-2]) for item in value)
    return type(value) is PYTHON_TYPES[expected]


def _check_operation(span: Span, attributes: Mapping[str, Any]) -> Iterator[str]:
    operation = attributes.get("gen_ai.operation.name")
    if operation is None:
        return
    rules = OPERATIONS.get(operation)
    if rules is None:
        yield f"{operation!r} is not an operation of the registry"
        return
    for key in rules["required"]:
        if key not in attributes:
            yield f"{key} is required"
    kind = Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_")
    if kind not in rules["kind"].split(" or "):
        yield f"the kind must be {rules['kind']}, not {kind}"
    target = attributes.get(rules["name"])
    name = f"{operation} {target}" if target else operation
    if span.name != name:
        yield f"the name must be {name!r}"


def _check_messages(span: Span, attributes: Mapping[str, Any]) -> Iterator[str]:
    for key in MESSAGES:
        for message in json.loads(attributes.get(key, "[]")):
            if message.get("role") not in ROLES:
                yield f"{key} has the role {message.get('role')!r}"
            for part in message["parts"]:
                yield from _check_part(key, part)
    for part in json.loads(attributes.get("gen_ai.system_instructions", "[]")):
        yield from _check_part("gen_ai.system_instructions", part)
    for tool in json.loads(attributes.get("gen_ai.tool.definitions", "[]")):
        if not (tool.get("type") and tool.get("name")):
            yield f"gen_ai.tool.definitions has a tool without type or name: {tool}"


def _check_part(key: str, part: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(part.get("type"), str):
        yield f"{key} has a part without a type: {part}"
    for field in REGISTRY["message_parts"].get(part.get("type"), ()):
        if field not in part:
            yield f"{key} has a part without {field}: {part}"


def _check_error(span: Span, attributes: Mapping[str, Any]) -> Iterator[str]:
    if span_status(span) == "ERROR" and not attributes.get("error.type"):
        yield "error.type is required of a span that failed"
