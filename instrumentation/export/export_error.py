"""`ExportError` says why spans were not delivered; it is logged at most once per hour."""

import logging
import os
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
WARNING_INTERVAL_S = 3600.0
LOGGER = logging.getLogger("flight_recorder.export")


class ExportError(Exception):
    """Not all spans were delivered. The message never contains an address.

    Attributes:
        is_retryable: The same request may succeed later.
        is_too_large: A request with fewer spans may succeed.
        rejected_spans: How many spans were rejected; None if all were.
    """

    def __init__(
        self,
        reason: str,
        *,
        is_retryable: bool = False,
        is_too_large: bool = False,
        rejected_spans: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.is_retryable = is_retryable
        self.is_too_large = is_too_large
        self.rejected_spans = rejected_spans

    def count_rejected(self, sent: int) -> int:
        """How many of the spans that were sent were rejected."""
        return sent if self.rejected_spans is None else min(self.rejected_spans, sent)


def dropped_spans_error(dropped: int, unfinished: int) -> ExportError:
    """Create the error for spans that were never delivered, with the settings to change.

    Args:
        dropped: How many spans the queue had no room for.
        unfinished: How many spans were not delivered when the program ended.
    """
    reasons = []
    if dropped:
        reasons.append(f"{dropped} of them did not fit into the queue (OTEL_BSP_MAX_QUEUE_SIZE)")
    if unfinished:
        reasons.append(
            f"{unfinished} of them were not delivered before the program ended"
            " (OTEL_BSP_EXPORT_TIMEOUT)"
        )
    return ExportError(" and ".join(reasons))


class RateLimitedWarning:
    """Logs an export error; shared by all exporters, so that it is logged once for all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._warned_at: float | None = None

    def __call__(self, error: ExportError) -> None:
        with self._lock:
            now = time.monotonic()
            if self._warned_at is not None and now - self._warned_at < WARNING_INTERVAL_S:
                return
            self._warned_at = now
        retry = "they will be sent again" if error.is_retryable else "they will not be sent again"
        LOGGER.warning(
            "Spans could not be delivered to the OTLP endpoint %s: %s. They are in MLflow's store,"
            " and %s. Check the endpoint and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT.",
            endpoint_host(),
            error,
            retry,
        )


def endpoint_host() -> str:
    """Host and port of the endpoint; the rest of its URL may contain credentials."""
    try:
        parts = urlsplit(read_first_variable(ENDPOINT_VARIABLES))
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    except ValueError:
        return "receiver"


def read_first_variable(names: Sequence[str]) -> str:
    """The value of the first environment variable that is set and not empty; or an empty text."""
    return next((os.environ[name] for name in names if os.environ.get(name)), "")
