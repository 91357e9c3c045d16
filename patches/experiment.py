"""An experiment: the store and the experiment that traces go to, given back afterwards.

MLflow can be told which experiment is the active one, and not which one was before.
"""

from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def experiment(tracking_uri: str, name: str) -> Generator[None]:
    """Use this store and experiment, process-wide, for the block."""
    import mlflow
    from mlflow.tracking import fluent

    processors = list(mlflow.tracing.config.get_config().span_processors)
    uri, active = mlflow.get_tracking_uri(), fluent._active_experiment_id
    try:
        mlflow.set_tracking_uri(tracking_uri)  # which forgets the span processors: redaction
        mlflow.tracing.configure(span_processors=processors)
        mlflow.set_experiment(name)
        yield
    finally:
        mlflow.set_tracking_uri(uri)
        mlflow.tracing.configure(span_processors=processors)
        fluent._active_experiment_id = active
