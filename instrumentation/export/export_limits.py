"""Limits of the span export, some from `OTEL_BSP_*`: queue and batch sizes, delays, timeouts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ExportLimits:
    """Limits of one exporter.

    Source of the environment variables:
    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/

    Attributes:
        max_spans: How many spans are queued; beyond that, the oldest are dropped.
        max_chars: How much text the queued spans may hold.
        max_batch_spans: Spans per request.
        max_batch_chars: Text per request: some endpoints reject large requests.
        batch_delay_s: How long a span waits for others, to be sent with them.
        flush_stall_timeout_s: How long a flush waits while the endpoint accepts nothing.
        failing_flush_timeout_s: The same, if the endpoint accepted nothing before either.
        flush_timeout_s: The longest flush, while the endpoint accepts one batch after another.
        retry_delay_s: The pause after a failed request; doubled after each further one.
        max_retry_delay_s: The longest such pause.
    """

    max_spans: int = 20_000
    max_chars: int = 256_000_000
    max_batch_spans: int = 512
    max_batch_chars: int = 8_000_000
    batch_delay_s: float = 1.0
    flush_stall_timeout_s: float = 4.0
    failing_flush_timeout_s: float = 1.0
    flush_timeout_s: float = 30.0
    retry_delay_s: float = 1.0
    max_retry_delay_s: float = 30.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "ExportLimits":
        """The limits in the `OTEL_BSP_*` variables. Invalid values are ignored."""
        max_spans = _positive_int("OTEL_BSP_MAX_QUEUE_SIZE", environment, cls.max_spans)
        batch_spans = _positive_int(
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", environment, cls.max_batch_spans
        )
        return cls(
            max_spans=max_spans,
            max_batch_spans=min(batch_spans, max_spans),
            batch_delay_s=_seconds("OTEL_BSP_SCHEDULE_DELAY", environment, cls.batch_delay_s),
            flush_stall_timeout_s=_seconds(
                "OTEL_BSP_EXPORT_TIMEOUT", environment, cls.flush_stall_timeout_s
            ),
        )


def _positive_int(name: str, environment: Mapping[str, str], default: int) -> int:
    """Read a variable; as in OpenTelemetry, an invalid one must not stop tracing."""
    value = environment.get(name, "").strip()
    return int(value) if value.isdecimal() and int(value) > 0 else default


def _seconds(name: str, environment: Mapping[str, str], default: float) -> float:
    """Read a variable in milliseconds."""
    return _positive_int(name, environment, int(1000 * default)) / 1000
