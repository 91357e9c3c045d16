"""Deliver alerts to a webhook: word them for a chat, POST JSON, retry passing errors."""

import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from scenarios.monitoring.alert_gate import (
    HEADINGS,
    GateResult,
    describe_finding,
    describe_window,
)

TIMEOUT_S = 10.0
RETRY_DELAYS_S = (0.5, 2.0)
"""The pauses before the second and the third, last, attempt."""
RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which another attempt may succeed."""
MAX_TEXT_LINES = 20
"""Slack folds longer messages."""


class WebhookDeliveryError(Exception):
    """A webhook delivery failed. The message omits the URL's path, which may be a secret."""


def post_alerts(url: str, gate: GateResult) -> None:
    """POST the alerts that are firing, redacted.

    Raises:
        WebhookDeliveryError: All attempts failed.
    """
    from instrumentation.redaction.redaction import DEFAULT_REDACTION  # imports OpenTelemetry

    post_webhook(url, DEFAULT_REDACTION.redact_value(webhook_payload(gate)))


def webhook_payload(gate: GateResult) -> dict[str, Any]:
    """The JSON for a webhook: `text` for Slack and compatible chats, and the gate as data."""
    lines = [
        f"• *{_escape_for_slack(name)}*: {_escape_for_slack(sentence)}"
        for name, sentence in _iter_findings(gate)
    ]
    more = [f"… and {len(lines) - MAX_TEXT_LINES} more"] if len(lines) > MAX_TEXT_LINES else []
    heading = f"Flight recorder: {HEADINGS[gate.exit_code].lower()}, {describe_window(gate)}"
    text = "\n".join([_escape_for_slack(heading), *lines[:MAX_TEXT_LINES], *more])
    return {"text": text, **gate.to_json()}


def _iter_findings(gate: GateResult) -> Iterator[tuple[str, str]]:
    for result in gate.report.results:
        if result.is_inconclusive and gate.report.traces:
            yield result.alert.name, str(result.not_evaluated_reason)
        for finding in result.findings:
            yield result.alert.name, describe_finding(finding)


def _escape_for_slack(text: str) -> str:
    """The text without links, mentions and `<!channel>`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def post_webhook(
    url: str, payload: Mapping[str, Any], retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S
) -> None:
    """POST `payload` as JSON; retry after connection errors and `RETRYABLE_STATUSES`.

    Raises:
        WebhookDeliveryError: All attempts failed; the message has the reason of the last one.
    """
    origin, reason = webhook_origin(url), ""
    for delay_s in (*retry_delays_s, None):
        try:
            # The response's body is not read, so its size does not matter.
            with httpx.stream("POST", url, json=payload, timeout=TIMEOUT_S) as response:
                status, reason = response.status_code, f"HTTP {response.status_code}"
        except httpx.HTTPError as error:
            status, reason = 0, f"{type(error).__name__}: {error}".rstrip(": ")
        except (httpx.InvalidURL, UnicodeError) as error:  # such as a host name that is too long
            raise WebhookDeliveryError(
                f"delivery to the webhook at {origin} failed: invalid URL: {error}"
            ) from error
        if 200 <= status < 300:
            return
        if status and status not in RETRYABLE_STATUSES:
            break
        if delay_s is not None:
            time.sleep(delay_s)
    raise WebhookDeliveryError(f"delivery to the webhook at {origin} failed: {reason}")


def webhook_origin(url: str) -> str:
    """Return the scheme, host and port of a webhook's URL, without secrets.

    Raises:
        WebhookDeliveryError: It is not an http or https URL.
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        if parts.scheme in ("http", "https") and parts.hostname:
            return f"{parts.scheme}://{parts.hostname}{port}"
    except ValueError:
        pass
    raise WebhookDeliveryError("expected a URL that begins with http:// or https://")
