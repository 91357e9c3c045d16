"""No instrumentor: the baseline that the cost of the others is measured against."""

from collections.abc import Generator
from contextlib import contextmanager

from integrations.instrumentors.capture import CaptureCase, CapturedTraces


@contextmanager
def enable_nothing(tracking_uri: str, framework: str) -> Generator[CaptureCase]:
    """Run the cases without recording."""
    yield _capture_nothing


@contextmanager
def _capture_nothing(_case: str) -> Generator[CapturedTraces]:
    yield CapturedTraces()
