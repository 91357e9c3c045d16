"""GenAI names: OpenTelemetry's names for what MLflow says of a span in names of its own.

https://opentelemetry.io/docs/specs/semconv/gen-ai/. MLflow has the translation and gives it only
with `MLFLOW_ENABLE_OTEL_GENAI_SEMCONV`, which takes away a span's name, and the inputs and outputs
of all but models and tools.
"""

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan


def to_genai_attributes(span: ReadableSpan) -> dict[str, Any]:
    """The `gen_ai.*` attributes of a span of MLflow; the span is left as it is."""
    from mlflow.tracing.export.genai_semconv.translator import translate_span_to_genai

    translated = translate_span_to_genai(span).attributes or {}
    return {key: value for key, value in translated.items() if key.startswith("gen_ai.")}
