"""Deliver alerts to a webhook: POST JSON, and retry what may succeed later."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from scenarios.monitoring.alert_gate import GateResult, webhook_payload

TIMEOUT_S = 10.0
RETRY_DELAYS_S = (0.5, 2.0)
"""The pauses before the second and the third, last, attempt."""
RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which another attempt may succeed."""


class WebhookDeliveryError(Exception):
    """A webhook delivery failed. The message omits the URL's path, which may be a secret."""


def post_alerts(url: str, gate: GateResult) -> None:
    """POST the alerts that are firing, redacted.

    Raises:
        WebhookDeliveryError: All attempts failed.
    """
    from instrumentation.redaction.redaction import DEFAULT_REDACTION  # imports OpenTelemetry

    post_webhook(url, DEFAULT_REDACTION.redact_value(webhook_payload(gate)))


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
