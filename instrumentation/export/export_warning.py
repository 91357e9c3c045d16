"""A report: one line, the first time that a receiver refuses spans, and none for an hour after."""

import logging
import threading
import time

from instrumentation.export.export_error import ExportError
from instrumentation.export.otlp_client import endpoint_host

WARNING_INTERVAL_S = 3600.0
LOGGER = logging.getLogger("flight_recorder.export")


class RateLimitedWarning:
    """Shared by all that send to one receiver: it is said once for all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._warned_at: float | None = None

    def __call__(self, refused: ExportError) -> None:
        with self._lock:
            now = time.monotonic()
            if self._warned_at is not None and now - self._warned_at < WARNING_INTERVAL_S:
                return
            self._warned_at = now
        offered = "they are offered again" if refused.is_retryable else "those are not sent again"
        LOGGER.warning(
            "spans do not reach the OTLP receiver %s: %s; they are in MLflow's store, and %s."
            " Look at the receiver and at OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            endpoint_host(),
            refused,
            offered,
        )
