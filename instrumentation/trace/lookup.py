"""Fetch traces from an MLflow store: by the id of a trace, a session or a run, or by a tag."""

from instrumentation.trace.session import PROGRAM_TAG, RUN_TAG, SESSION_KEY
from instrumentation.trace.span_tree import TraceNotFoundError
from instrumentation.trace.store_search import search_store
from instrumentation.trace.trace import Trace, trace_from_mlflow

QUOTES = frozenset("'\"`")
"""Characters that MLflow's search filters cannot escape."""
MAX_NAME_CHARS = 250
"""The longest session or user name: MLflow drops a trace with a longer one."""


def fetch_trace(trace_id: str, tracking_uri: str) -> Trace:
    """Fetch one trace. Raises `TraceNotFoundError` if the store does not have it."""
    import mlflow  # takes three seconds, so it is not imported by those who only read files
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient(tracking_uri)
    try:
        return trace_from_mlflow([client.get_trace(trace_id).to_dict()])
    except MlflowException as error:
        raise TraceNotFoundError(
            f"the store at MLFLOW_TRACKING_URI has no trace {trace_id!r}: {error.message}"
        ) from error


def fetch_session(session_id: str, tracking_uri: str) -> Trace:
    """Fetch all turns of a session, from all experiments, as one trace.

    Raises:
        TraceNotFoundError: The store has no such session, or its name cannot be searched for.
    """
    if not is_searchable(session_id):
        raise TraceNotFoundError(f"{session_id!r} is not a valid session name")
    return _fetch_matching(session_filter(session_id), f"session {session_id!r}", tracking_uri)


def fetch_run(run_id: str, tracking_uri: str) -> Trace:
    """Fetch all traces of a run, by the id of `record_run` or of a traced program, as one trace.

    Raises:
        TraceNotFoundError: The store has no such run, or its id cannot be searched for.
    """
    if not is_searchable(run_id):
        raise TraceNotFoundError(f"{run_id!r} is not a valid id of a run")
    description = f"run {run_id!r}"
    try:
        return _fetch_matching(f"tags.`{RUN_TAG}` = '{run_id}'", description, tracking_uri)
    except TraceNotFoundError:  # the program may have opened runs of its own
        return _fetch_matching(f"tags.`{PROGRAM_TAG}` = '{run_id}'", description, tracking_uri)


def fetch_tagged(tag: str, value: str, tracking_uri: str) -> Trace:
    """Fetch all traces with a tag, as one trace.

    Raises:
        TraceNotFoundError: The store has no such trace, or the value cannot be searched for.
    """
    if QUOTES & set(value):
        raise TraceNotFoundError(f"{value!r} is not a valid value of the tag {tag}")
    return _fetch_matching(f"tags.`{tag}` = '{value}'", f"trace with {tag}={value!r}", tracking_uri)


def _fetch_matching(filter: str, description: str, tracking_uri: str) -> Trace:
    import mlflow

    traces = search_store(mlflow.MlflowClient(tracking_uri), [filter])
    found = [trace.to_dict() for trace in traces if trace.data.spans]
    if not found:
        raise TraceNotFoundError(f"the store at MLFLOW_TRACKING_URI has no {description}")
    return trace_from_mlflow(found)


def is_valid_name(name: str) -> bool:
    """Return whether MLflow can store this session or user name and a person can read it."""
    return bool(name.strip()) and name.isprintable() and len(name) <= MAX_NAME_CHARS


def is_searchable(session_id: str) -> bool:
    """Return whether MLflow can store this session name and search for it."""
    return is_valid_name(session_id) and not QUOTES & set(session_id)


def session_filter(session_id: str) -> str:
    """MLflow's filter for the turns of a session whose name `is_searchable`."""
    return f"metadata.`{SESSION_KEY}` = '{session_id}'"
