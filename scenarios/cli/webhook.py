"""A webhook: an address that is told of alerts, once, as JSON that a chat can show."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

TIMEOUT_S = 10.0
RETRY_DELAYS_S = (0.5, 2.0)
"""How long is waited before the second try, and before the third, which is the last."""
RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which another try may do."""


class WebhookDeliveryError(Exception):
    """Raised when a webhook could not be told. Its text holds no path, which may be a secret."""


def post_webhook(
    url: str, payload: Mapping[str, Any], retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S
) -> None:
    """POST JSON; try again a few times where that may help. Raises `NotTold`, with the last why."""
    where, why = webhook_origin(url), ""
    for pause_s in (*retry_delays_s, None):
        try:
            # A stream whose body is not read: nothing hangs on how much is answered.
            with httpx.stream("POST", url, json=payload, timeout=TIMEOUT_S) as answer:
                status, why = answer.status_code, f"HTTP {answer.status_code}"
        except httpx.HTTPError as error:
            status, why = 0, f"{type(error).__name__}: {error}".rstrip(": ")
        except (httpx.InvalidURL, UnicodeError) as error:  # as of a host's name that is too long
            raise WebhookDeliveryError(
                f"the webhook at {where} was not told: no address: {error}"
            ) from error
        if 200 <= status < 300:
            return
        if status and status not in RETRYABLE_STATUSES:
            break
        if pause_s is not None:
            time.sleep(pause_s)
    raise WebhookDeliveryError(f"the webhook at {where} was not told: {why}")


def webhook_origin(url: str) -> str:
    """Where a webhook is, without what authorises. Raises `NotTold` if it is no such address."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        if parts.scheme in ("http", "https") and parts.hostname:
            return f"{parts.scheme}://{parts.hostname}{port}"
    except ValueError:
        pass
    raise WebhookDeliveryError("--webhook takes an address that begins with http:// or https://")
