"""A report: one line, the first time that a receiver refuses spans, and none for an hour after."""

import logging
import threading
import time

from instrumentation.export.export_error import Refused
from instrumentation.export.otlp_client import host

QUIET_S = 3600.0
LOGGER = logging.getLogger("flight_recorder.export")


class Report:
    """Shared by all that send to one receiver: it is said once for all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said_at: float | None = None

    def __call__(self, refused: Refused) -> None:
        with self._lock:
            now = time.monotonic()
            if self._said_at is not None and now - self._said_at < QUIET_S:
                return
            self._said_at = now
        offered = "they are offered again" if refused.again else "those are not sent again"
        LOGGER.warning(
            "spans do not reach the OTLP receiver %s: %s; they are in MLflow's store, and %s."
            " Look at the receiver and at OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            host(),
            refused,
            offered,
        )
