"""Record a framework with MLflow's own autologging, without the suite's patches."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import mlflow

from patches.mlflow.export_queue import fast_flush
from patches.patch import Patch, apply_patches

EXPERIMENT = "upstream autolog"


@contextmanager
def upstream_autolog(framework: str, store: str, *patches: Patch) -> Generator[None]:
    """Turn on `mlflow.<framework>.autolog()` for the block, with the given patches only.

    A fast flush is applied too; it changes only how long the tests take.

    Args:
        framework: "autogen", "crewai" or "openai".
        store: A tracking URI.
        patches: The patches under test.
    """
    autolog = import_module(f"mlflow.{framework}").autolog
    previous_uri = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store)
    mlflow.set_experiment(EXPERIMENT)
    autolog(silent=True)
    try:
        with apply_patches(fast_flush.PATCH, *patches):
            yield
            mlflow.flush_trace_async_logging()
    finally:
        autolog(disable=True, silent=True)
        mlflow.set_tracking_uri(previous_uri)


def newest_trace(store: str) -> Any:
    """Return the newest `mlflow.entities.Trace` that `upstream_autolog` recorded in `store`."""
    client = mlflow.MlflowClient(tracking_uri=store)
    experiment_id = client.get_experiment_by_name(EXPERIMENT).experiment_id
    return client.search_traces(locations=[experiment_id], max_results=1)[0]
