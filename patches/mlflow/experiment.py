"""An experiment: the store and the experiment that traces go to, given back afterwards.

MLflow can be told which experiment is the active one, and not which one was before. And it makes
the tables of a store that is new without a lock: of two processes that begin there at once, one
fails with "table … already exists".
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir

from patches.mlflow.deferred_experiment import activate_experiment

TRACKING_URI_VARIABLE = "MLFLOW_TRACKING_URI"
"""MLflow writes it, too, as it is told of a store."""


@contextmanager
def use_experiment(tracking_uri: str, name: str) -> Generator[None]:
    """Use this store and experiment, process-wide, for the block."""
    import mlflow
    from mlflow.tracking import fluent
    from mlflow.tracking._tracking_service import utils

    processors = list(mlflow.tracing.config.get_config().span_processors)
    uri, active = utils._tracking_uri, fluent._active_experiment_id
    named = os.environ.get(TRACKING_URI_VARIABLE)
    try:
        mlflow.set_tracking_uri(tracking_uri)  # which forgets the span processors: redaction
        mlflow.tracing.configure(span_processors=processors)
        with _lock_store(tracking_uri):
            activate_experiment(name)
        yield
    finally:
        mlflow.set_tracking_uri(uri)  # None: what the environment says
        # Our tracer provider goes, even where the store stays: with its outlet on, as it is left to
        # spans that have yet to end.
        mlflow.tracing.reset()
        if named is not None:
            os.environ[TRACKING_URI_VARIABLE] = named
        mlflow.tracing.configure(span_processors=processors)
        fluent._active_experiment_id = active


def active_experiment() -> tuple[str, str]:
    """The tracking URI and the experiment that traces go to now.

    The experiment is an id, or a deferred name: see `resolve_experiment_id`.
    """
    import mlflow
    from mlflow.tracking import fluent

    return mlflow.get_tracking_uri(), fluent._get_experiment_id()


@contextmanager
def _lock_store(tracking_uri: str) -> Generator[None]:
    """No other process of this user begins with the store meanwhile; on Windows it may.

    A server sees to that itself; and while it is away, one process is not to wait for another.
    """
    if os.name == "nt" or tracking_uri.startswith("http"):
        yield
        return
    from mlflow.utils.file_utils import ExclusiveFileLock

    # Not the URI itself, which may hold a password.
    store = sha256(tracking_uri.encode()).hexdigest()[:16]
    with ExclusiveFileLock(str(Path(gettempdir(), f"flight-store-{os.getuid()}-{store}.lock"))):
        yield
