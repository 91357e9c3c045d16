"""MLflow's autologging, as it comes: of the framework alone, or of the openai client too."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module

import mlflow

from integrations.instrumentors.capture import CaptureCase, capture_in_own_experiment


@contextmanager
def enable_plain_autolog(store: str, framework: str) -> Generator[CaptureCase]:
    """`mlflow.<framework>.autolog()`."""
    with _autolog(store, framework):
        yield capture_in_own_experiment


@contextmanager
def enable_both_autologs(store: str, framework: str) -> Generator[CaptureCase]:
    """That, and `mlflow.openai.autolog()`."""
    with _autolog(store, *dict.fromkeys((framework, "openai"))):
        yield capture_in_own_experiment


@contextmanager
def _autolog(store: str, *integrations: str) -> Generator[None]:
    mlflow.set_tracking_uri(store)
    for name in integrations:
        import_module(f"mlflow.{name}").autolog()
    yield
