"""A stored trace: read from an MLflow store, by its id, or by the session whose turns it holds."""

from instrumentation.trace.session import SESSION_KEY
from instrumentation.trace.trace import Trace, TraceNotFoundError, trace_from_mlflow

QUOTES = frozenset("'\"`")
"""What MLflow's searches have no escape for."""
MAX_NAME_CHARS = 250
"""The longest name of a session or a user, in characters: MLflow drops a trace that has more."""


def fetch_trace(trace_id: str, tracking_uri: str) -> Trace:
    """One trace of an MLflow store. Raises `NoTrace` if the store has none of this id."""
    import mlflow  # three seconds, which nobody waits for who reads a file
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient(tracking_uri)
    try:
        return trace_from_mlflow([client.get_trace(trace_id).to_dict()])
    except MlflowException as error:
        raise TraceNotFoundError(
            f"no trace {trace_id!r} in the store that MLFLOW_TRACKING_URI names: {error.message}"
        ) from error


def fetch_session(session_id: str, tracking_uri: str) -> Trace:
    """All turns of a session, of whichever experiment. Raises `NoTrace` where there is none."""
    import mlflow

    if not is_searchable(session_id):
        raise TraceNotFoundError(f"no session has the name {session_id!r}")
    client = mlflow.MlflowClient(tracking_uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found, page = [], None
    while page is None or page.token:
        page = client.search_traces(
            locations=experiments,
            filter_string=session_filter(session_id),
            page_token=page.token if page else None,
        )
        found += [trace.to_dict() for trace in page if trace.data.spans]
    if not found:
        raise TraceNotFoundError(
            f"no session {session_id!r} in the store that MLFLOW_TRACKING_URI names"
        )
    return trace_from_mlflow(found)


def is_valid_name(name: str) -> bool:
    """Whether a trace can bear this name, of a session or a user, and a person read it."""
    return bool(name.strip()) and name.isprintable() and len(name) <= MAX_NAME_CHARS


def is_searchable(session_id: str) -> bool:
    """Whether a session of this name can be found again."""
    return is_valid_name(session_id) and not QUOTES & set(session_id)


def session_filter(session_id: str) -> str:
    """MLflow's filter for the turns of a session whose name is `findable`."""
    return f"metadata.`{SESSION_KEY}` = '{session_id}'"
