"""An awaited experiment: named while its server is away, and found there once the server is back.

An experiment has an id, which the server gives. Until it does, what is traced bears the name.
"""

from typing import Any

DEFERRED_PREFIX = "awaited:"


def activate_experiment(name: str) -> None:
    """Make an experiment the active one, process-wide; awaited, where its server does not answer.

    So a program starts though the server of its traces is away. A database must be there. Raises
    `MlflowException` where the store answers, and has no such experiment to give.
    """
    import mlflow
    from mlflow.exceptions import MlflowException
    from mlflow.tracing.client import TracingClient
    from mlflow.tracking import fluent

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
    """The experiment's id in the store, now that it is there; the active one is awaited no more."""
    import mlflow
    from mlflow.tracking import fluent

    if not experiment.startswith(DEFERRED_PREFIX):
        return experiment
    there = get_or_create_experiment(
        mlflow.MlflowClient(tracking_uri), experiment.removeprefix(DEFERRED_PREFIX)
    )
    if fluent._active_experiment_id == experiment:
        fluent._active_experiment_id = there
    return there


def get_or_create_experiment(client: Any, name: str) -> str:
    """The id of an experiment, which is made if need be.

    `mlflow.set_experiment(name)` is no help where another process makes it in the same moment: it
    returns the experiment, and leaves what is traced to the default one.
    """
    from mlflow.exceptions import MlflowException

    there = client.get_experiment_by_name(name)
    if there is None:
        try:
            return str(client.create_experiment(name))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        there = client.get_experiment_by_name(name)
    return str(there.experiment_id)


def is_server_reachable(store: Any) -> bool:
    """Whether a server says its version, within 3 s; true of a store that is no server.

    MLflow asks once, and takes no answer for an answer as long as the process lives.
    """
    from mlflow.store.tracking.rest_store import RestStore

    if type(store) is not RestStore:
        return True
    version = store._get_server_version(store.get_host_creds())
    if version is None:
        store._get_server_version.cache_clear()
    return version is not None
