"""Translate an MLflow span into OpenTelemetry's `gen_ai.*` attributes.

MLflow has the translation, but applies it only with `MLFLOW_ENABLE_OTEL_GENAI_SEMCONV`, which also
replaces the span's name and removes the inputs and outputs of all spans but LLM and TOOL spans.

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan


def to_genai_attributes(span: ReadableSpan) -> dict[str, Any]:
    """Return the `gen_ai.*` attributes of an MLflow span. The span itself is not changed."""
    from mlflow.tracing.export.genai_semconv.translator import translate_span_to_genai

    translated = translate_span_to_genai(span).attributes or {}
    return {key: value for key, value in translated.items() if key.startswith("gen_ai.")}
