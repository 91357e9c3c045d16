"""Translate a provider's request and reply into OpenTelemetry's messages, with MLflow's converters.

Only for formats other than OpenAI's. MLflow's own translation of whole spans passes span types such
as CHAIN and HANDOFF through as operation names, omits cached tokens, and removes the inputs and
outputs of most spans.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from patches.support.error_boundaries import call_with_fallback


def translate_provider_messages(
    message_format: str, inputs: Mapping[str, Any], outputs: Any
) -> dict[str, Any]:
    """Return the `gen_ai.*` attributes of a request and its reply; {} if they are not understood.

    The format is MLflow's name of it: "anthropic", "gemini" or "bedrock".
    """
    from mlflow.tracing.export.genai_semconv.translator import _get_converter

    converter = _get_converter(message_format, dict(inputs))
    attributes: dict[str, Any] = {}
    if converter is None:
        return attributes
    # Apart from each other, so that an unusual reply does not hide the request.
    reply = outputs if isinstance(outputs, dict) else None
    for request_part, reply_part in ((dict(inputs), None), (None, reply)):
        translate = partial(converter.translate, request_part, reply_part)
        attributes |= call_with_fallback(translate, lambda _: {})  # perhaps of an unknown kind
    return attributes
