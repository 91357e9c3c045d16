"""Redact a run's input before a model sees it, and record that as a GUARDRAIL span."""

import re
from collections import Counter
from typing import Any, TypeVar

import mlflow
from mlflow.entities import SpanType

from instrumentation.guardrails.guardrail import GUARDRAIL_PREFIX, Check
from instrumentation.redaction import DEFAULT_REDACTION, Redaction

Value = TypeVar("Value")
TRACE_PLACEHOLDER = re.compile(r"\[redacted: ([^\]]*)\]")


def redact_input(value: Value, redaction: Redaction = DEFAULT_REDACTION) -> Value:
    """Return the text without secrets and personal data, and record the redaction.

    The value may also be a dict or list of texts, such as the inputs of a crew.

    Use the result, and nothing but the result: `task = redact_input(task)`. The placeholders are
    `[withheld: e-mail]`, unlike those of the redaction of traces, `[redacted: e-mail]`. So a trace
    shows which of the two removed a value: a prompt with `[redacted: …]` was sent in the clear.
    """
    kinds: Counter[str] = Counter()
    safe: Value = _withhold(redaction.redact_value(value), kinds)
    check = Check("input_redaction", figures={"redacted_count": kinds.total()})
    with mlflow.start_span(check.guardrail, span_type=SpanType.GUARDRAIL) as span:
        span.set_inputs({"text": value} if isinstance(value, str) else value)
        span.set_attributes(
            check.attributes() | {f"{GUARDRAIL_PREFIX}redacted_kinds": sorted(kinds)}
        )
        span.set_outputs(safe)
    return safe


def _withhold(value: Any, kinds: Counter[str]) -> Any:
    """Replace the placeholders of traces by those of inputs, and count them by kind."""
    if isinstance(value, str):
        kinds.update(TRACE_PLACEHOLDER.findall(value))
        return TRACE_PLACEHOLDER.sub(r"[withheld: \1]", value)
    if isinstance(value, dict):
        return {key: _withhold(item, kinds) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [_withhold(item, kinds) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value
