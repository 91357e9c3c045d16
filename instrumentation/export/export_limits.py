"""Bounds: how much a courier carries, how often it goes, and how long it is waited for."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ExportLimits:
    """Of one courier. Where OpenTelemetry has an environment variable for it, that one is read.

    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """

    max_spans: int = 20_000
    """How many wait at most; beyond that the oldest is dropped."""
    max_chars: int = 256_000_000
    """How much text they hold at most."""
    max_batch_spans: int = 512
    max_batch_chars: int = 8_000_000
    """Receivers store a batch at once, and some refuse what is large."""
    batch_delay_s: float = 1.0
    """How long a span waits for others, to go with them."""
    flush_stall_timeout_s: float = 4.0
    """How long a flush waits for a receiver that takes nothing."""
    failing_flush_timeout_s: float = 1.0
    """The same, where it took nothing before either."""
    flush_timeout_s: float = 30.0
    """How long a flush takes at most, while the receiver takes one batch after the other."""
    retry_delay_s: float = 1.0
    """After a try that failed; twice as long after each further one, up to `pauses_s`."""
    max_retry_delay_s: float = 30.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "ExportLimits":
        """Those of `OTEL_BSP_*`, as far as they are set to a positive number."""
        spans = _positive_int("OTEL_BSP_MAX_QUEUE_SIZE", environment, cls.max_spans)
        return cls(
            max_spans=spans,
            max_batch_spans=min(
                _positive_int("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", environment, cls.max_batch_spans),
                spans,
            ),
            batch_delay_s=_seconds("OTEL_BSP_SCHEDULE_DELAY", environment, cls.batch_delay_s),
            flush_stall_timeout_s=_seconds(
                "OTEL_BSP_EXPORT_TIMEOUT", environment, cls.flush_stall_timeout_s
            ),
        )


def _positive_int(name: str, environment: Mapping[str, str], default: int) -> int:
    """Tracing goes on where a setting of it is amiss, as it does in OpenTelemetry."""
    said = environment.get(name, "").strip()
    return int(said) if said.isdecimal() and int(said) > 0 else default


def _seconds(name: str, environment: Mapping[str, str], default: float) -> float:
    """OpenTelemetry gives them in milliseconds."""
    return _positive_int(name, environment, int(1000 * default)) / 1000
