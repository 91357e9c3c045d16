"""Redaction of a run's input, before an agent or a model sees it."""

import re

import mlflow
from mlflow.entities import SpanType

from instrumentation.guardrails.guardrail import PREFIX, Check
from instrumentation.redaction import DEFAULT_REDACTION, Redaction

PLACEHOLDER = re.compile(r"\[redacted: ([^\]]*)\]")


def redact_input(text: str, redaction: Redaction = DEFAULT_REDACTION) -> str:
    """Return the text without secrets and personal data, and record the redaction.

    Use the result, and nothing but the result: `task = redact_input(task)`. The placeholders are
    `[withheld: e-mail]`, unlike those of the redaction of traces, `[redacted: e-mail]`. So a trace
    shows which of the two removed a value: a prompt with `[redacted: …]` was sent in the clear.
    """
    safe = PLACEHOLDER.sub(r"[withheld: \1]", redaction.redact_text(text))
    kinds = sorted(set(re.findall(r"\[withheld: ([^\]]*)\]", safe)))
    figures = {"redacted_count": safe.count("[withheld: ")}
    check = Check("input_redaction", figures=figures)
    with mlflow.start_span(check.guardrail, span_type=SpanType.GUARDRAIL) as span:
        span.set_inputs({"text": text})
        span.set_attributes(check.attributes() | {f"{PREFIX}redacted_kinds": kinds})
        span.set_outputs(safe)
    return safe
