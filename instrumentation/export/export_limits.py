"""Bounds: how much a courier carries, how often it goes, and how long it is waited for."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """Of one courier. Where OpenTelemetry has an environment variable for it, that one is read.

    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """

    spans: int = 20_000
    """How many wait at most; beyond that the oldest is dropped."""
    chars: int = 256_000_000
    """How much text they hold at most."""
    batch_spans: int = 512
    batch_chars: int = 8_000_000
    """Receivers store a batch at once, and some refuse what is large."""
    delay_s: float = 1.0
    """How long a span waits for others, to go with them."""
    patience_s: float = 4.0
    """How long a flush waits for a receiver that takes nothing."""
    last_s: float = 1.0
    """The same, where it took nothing before either."""
    flush_s: float = 30.0
    """How long a flush takes at most, while the receiver takes one batch after the other."""
    pause_s: float = 1.0
    """After a try that failed; twice as long after each further one, up to `pauses_s`."""
    pauses_s: float = 30.0

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Bounds":
        """Those of `OTEL_BSP_*`, as far as they are set to a positive number."""
        spans = _positive("OTEL_BSP_MAX_QUEUE_SIZE", environment, cls.spans)
        return cls(
            spans=spans,
            batch_spans=min(
                _positive("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", environment, cls.batch_spans), spans
            ),
            delay_s=_seconds("OTEL_BSP_SCHEDULE_DELAY", environment, cls.delay_s),
            patience_s=_seconds("OTEL_BSP_EXPORT_TIMEOUT", environment, cls.patience_s),
        )


def _positive(name: str, environment: Mapping[str, str], default: int) -> int:
    """Tracing goes on where a setting of it is amiss, as it does in OpenTelemetry."""
    said = environment.get(name, "").strip()
    return int(said) if said.isdecimal() and int(said) > 0 else default


def _seconds(name: str, environment: Mapping[str, str], default: float) -> float:
    """OpenTelemetry gives them in milliseconds."""
    return _positive(name, environment, int(1000 * default)) / 1000
