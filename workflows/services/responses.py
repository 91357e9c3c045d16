"""A reply: JSON that a service answers with, written on the span of the request as well."""

from collections.abc import Mapping
from typing import Any

from mlflow.entities import LiveSpan, SpanStatus, SpanStatusCode
from starlette.responses import JSONResponse


def reply(span: LiveSpan, body: Mapping[str, Any], status: int = 200) -> JSONResponse:
    """What was asked for."""
    span.set_attribute("http.response.status_code", status)
    span.set_outputs(body)
    return JSONResponse(body, status)


def refusal(
    span: LiveSpan, status: int, why: str, retry_after_s: int | None = None
) -> JSONResponse:
    """A "no", with a sentence; as OpenTelemetry has it, 5xx makes the server's span an error."""
    span.set_attribute("http.response.status_code", status)
    span.set_outputs({"error": why})
    if status >= 500:
        span.set_status(SpanStatus(SpanStatusCode.ERROR, why))
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return JSONResponse({"error": why}, status, headers)
