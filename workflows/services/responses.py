"""JSON responses of a service, written on the span of the request as well."""

from collections.abc import Mapping
from typing import Any

from mlflow.entities import LiveSpan, SpanStatus, SpanStatusCode
from starlette.responses import JSONResponse


def json_response(span: LiveSpan, body: Mapping[str, Any], status: int = 200) -> JSONResponse:
    """Answer with a JSON object."""
    span.set_attribute("http.response.status_code", status)
    span.set_outputs(body)
    return JSONResponse(body, status)


def error_response(
    span: LiveSpan, status: int, message: str, retry_after_s: int | None = None
) -> JSONResponse:
    """Answer `{"error": message}`. A 5xx makes the span an error, as OpenTelemetry prescribes."""
    span.set_attribute("http.response.status_code", status)
    span.set_outputs({"error": message})
    if status >= 500:
        span.set_status(SpanStatus(SpanStatusCode.ERROR, message))
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return JSONResponse({"error": message}, status, headers)
