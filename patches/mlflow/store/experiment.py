"""Activate a tracking store and an experiment for a block, even while the server is unreachable.

MLflow can set the active experiment, but has no way to read and restore the previous one.

An experiment's id comes from the server. Until the server answers, spans carry the experiment's
name with a prefix, and `resolve_experiment_id` replaces it before they are stored.
"""

import atexit
import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from patches.mlflow.store.new_sqlite_store import create_sqlite_store, lock_store
from patches.mlflow.store.schema_version import newer_schema_explained
from patches.mlflow.store.store_address import is_database_reachable

DEFERRED_PREFIX = "deferred:"
"""Marks an experiment id that is really a name, because the server has not answered yet."""
TRACKING_URI_VARIABLE = "MLFLOW_TRACKING_URI"
"""`mlflow.set_tracking_uri` writes this environment variable too."""


@contextmanager
def use_experiment(tracking_uri: str, name: str) -> Generator[None]:
    """Send traces to this store and experiment for the block; affects the whole process."""
    import mlflow
    from mlflow.tracking import fluent
    from mlflow.tracking._tracking_service import utils

    processors = list(mlflow.tracing.config.get_config().span_processors)
    previous_uri, previous_experiment = utils._tracking_uri, fluent._active_experiment_id
    previous_variable = os.environ.get(TRACKING_URI_VARIABLE)
    try:
        mlflow.set_tracking_uri(tracking_uri)  # this discards the span processors
        mlflow.tracing.configure(span_processors=processors)
        with lock_store(tracking_uri), newer_schema_explained():
            create_sqlite_store(tracking_uri)
            activate_experiment(name)
        yield
    finally:
        provider = mlflow.tracing.provider.provider.get()
        mlflow.set_tracking_uri(previous_uri)  # None: use the environment variable
        # Discard our tracer provider even if the store stays the same. It keeps its span pipeline
        # for spans that have not ended yet.
        mlflow.tracing.reset()
        _release(provider)
        if previous_variable is not None:
            os.environ[TRACKING_URI_VARIABLE] = previous_variable
        mlflow.tracing.configure(span_processors=processors)
        fluent._active_experiment_id = previous_experiment


def _release(provider: Any) -> None:
    """Let a discarded tracer provider, which has stored its spans, be garbage collected.

    It and its export queue are registered to be called at exit. A program that enables tracing for
    each of its runs would keep 160 objects per run.
    """
    if (handler := getattr(provider, "_atexit_handler", None)) is not None:
        atexit.unregister(handler)
    processors = getattr(provider, "_active_span_processor", None)
    for processor in getattr(processors, "_span_processors", ()):
        exporter = getattr(processor, "span_exporter", None)  # one for OTLP has none
        queue = getattr(exporter, "_async_queue", None)
        if queue is not None and not queue.is_active():
            atexit.unregister(queue._at_exit_callback)


def has_active_experiment() -> bool:
    """Return whether the program chose an experiment, and thereby a store."""
    from mlflow.tracking import fluent

    return fluent._active_experiment_id is not None


def activate_experiment(name: str) -> None:
    """Make an experiment the active one of the process, creating it if necessary.

    If the server does not answer, the experiment is deferred, so that the program can start
    anyway.

    Raises:
        MlflowException: The store answered, but cannot provide the experiment.
    """
    import mlflow
    from mlflow.exceptions import MlflowException
    from mlflow.tracing.client import TracingClient
    from mlflow.tracking import fluent

    if not is_database_reachable(mlflow.get_tracking_uri()):
        fluent._active_experiment_id = DEFERRED_PREFIX + name
        return
    client = mlflow.MlflowClient()
    try:
        if is_server_reachable(TracingClient(client.tracking_uri).store):
            mlflow.set_experiment(experiment_id=get_or_create_experiment(client, name))
            return
    except MlflowException as error:
        if not client.tracking_uri.startswith("http") or error.get_http_status_code() < 500:
            raise
    fluent._active_experiment_id = DEFERRED_PREFIX + name


def resolve_experiment_id(experiment: str, tracking_uri: str) -> str:
    """Return the id of an experiment; if it was deferred, look it up and update the active one."""
    import mlflow
    from mlflow.tracking import fluent

    if not experiment.startswith(DEFERRED_PREFIX):
        return experiment
    name = experiment.removeprefix(DEFERRED_PREFIX)
    experiment_id = get_or_create_experiment(mlflow.MlflowClient(tracking_uri), name)
    if fluent._active_experiment_id == experiment:
        fluent._active_experiment_id = experiment_id
    return experiment_id


def get_or_create_experiment(client: Any, name: str) -> str:
    """Return the id of an experiment, which is created if it does not exist.

    If another process creates it at the same moment, `mlflow.set_experiment(name)` returns the
    experiment but leaves the default one active.
    """
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return str(client.create_experiment(name))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        experiment = client.get_experiment_by_name(name)
    return str(experiment.experiment_id)


def is_server_reachable(store: Any) -> bool:
    """Return whether the server reports its version within 3 s; True for a store without server.

    MLflow asks once, and caches a missing answer for the rest of the process; this clears the
    cache.
    """
    from mlflow.store.tracking.rest_store import RestStore

    if type(store) is not RestStore:
        return True
    version = store._get_server_version(store.get_host_creds())
    if version is None:
        store._get_server_version.cache_clear()
    return version is not None
