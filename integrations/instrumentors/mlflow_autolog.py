"""MLflow's autologging, as it comes: of the framework alone, or of the openai client too."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module

import mlflow

from integrations.instrumentors.capture import Around, in_experiment


@contextmanager
def plain(store: str, framework: str) -> Generator[Around]:
    """`mlflow.<framework>.autolog()`."""
    with _on(store, framework):
        yield in_experiment


@contextmanager
def both(store: str, framework: str) -> Generator[Around]:
    """That, and `mlflow.openai.autolog()`."""
    with _on(store, *dict.fromkeys((framework, "openai"))):
        yield in_experiment


@contextmanager
def _on(store: str, *integrations: str) -> Generator[None]:
    mlflow.set_tracking_uri(store)
    for name in integrations:
        import_module(f"mlflow.{name}").autolog()
    yield
