"""MLflow's autologging without changes: of the framework alone, or of the openai client too."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module

import mlflow

from integrations.instrumentors.capture import CaptureCase, capture_in_own_experiment


@contextmanager
def enable_plain_autolog(tracking_uri: str, framework: str) -> Generator[CaptureCase]:
    """Call `mlflow.<framework>.autolog()`."""
    _autolog(tracking_uri, framework)
    yield capture_in_own_experiment


@contextmanager
def enable_both_autologs(tracking_uri: str, framework: str) -> Generator[CaptureCase]:
    """Call `mlflow.<framework>.autolog()` and `mlflow.openai.autolog()`."""
    _autolog(tracking_uri, *dict.fromkeys((framework, "openai")))
    yield capture_in_own_experiment


def _autolog(tracking_uri: str, *integrations: str) -> None:
    mlflow.set_tracking_uri(tracking_uri)
    for name in integrations:
        try:
            import_module(f"mlflow.{name}").autolog()
        except ImportError as error:  # the case runs all the same, and shows what is missing
            print(f"mlflow.{name}.autolog() failed: {error}", file=sys.stderr)
