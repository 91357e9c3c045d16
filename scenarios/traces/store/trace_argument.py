"""Load the traces that an argument of the command line names: a file, an ID, or `last`."""

import re
from pathlib import Path

from instrumentation.input_file import file_kind
from instrumentation.trace import Trace, TraceNotFoundError, trace_from_mlflow
from instrumentation.trace.lookup import fetch_run, fetch_trace
from instrumentation.trace.session import RUN_TAG
from instrumentation.trace.store_search import find_experiments
from instrumentation.trace.trace_file import load_traces
from scenarios.traces.store.saved_queries import NEWEST_FIRST
from scenarios.traces.store.tracking_uri import require_existing

LAST = "last"
"""The argument that names the newest trace of the store."""
RUN_ID = re.compile(r"[0-9a-f]{32}")
"""The id of a run, which `trace` prints and `RunHandle.id` holds."""


def load_trace_argument(argument: str, tracking_uri: str) -> tuple[Trace, ...]:
    """The traces of a file, if there is one of this name; else of the store.

    Raises:
        TraceNotFoundError: There is no such trace, or it cannot be read.
        StoreUnavailableError: The store cannot be used.
    """
    if path := find_trace_file(argument, f"a JSON file, the ID of a trace or a run, or {LAST}"):
        return load_traces(path)
    return (fetch_stored_trace(argument, tracking_uri),)


def fetch_stored_trace(argument: str, tracking_uri: str) -> Trace:
    """Fetch a trace, all traces of a run as one, or the newest run.

    Args:
        argument: The ID of a trace or of a run, or `last`.

    Raises:
        TraceNotFoundError: The store has no such trace or run.
        StoreUnavailableError: The store cannot be used.
    """
    store = require_existing(tracking_uri)
    if argument == LAST:
        return fetch_newest_run(store)
    return (
        fetch_run(argument, store) if RUN_ID.fullmatch(argument) else fetch_trace(argument, store)
    )


def fetch_newest_run(tracking_uri: str) -> Trace:
    """Fetch the newest trace of a store, with the other traces of its run, if it has several.

    Raises:
        TraceNotFoundError: The store has no traces.
    """
    import mlflow  # takes three seconds, which those who only read files need not wait for

    client = mlflow.MlflowClient(tracking_uri)
    experiments = list(find_experiments(client))
    newest = client.search_traces(locations=experiments, order_by=[NEWEST_FIRST], max_results=1)
    if not newest:
        raise TraceNotFoundError(
            "the store at MLFLOW_TRACKING_URI has no traces yet; to record your program in it:"
            " python -m scenarios trace PROGRAM"
        )
    if run := newest[0].info.tags.get(RUN_TAG):
        return fetch_run(run, tracking_uri)
    return trace_from_mlflow([newest[0].to_dict()])


def find_trace_file(argument: str, expected: str) -> Path | None:
    """Return the file of this name; None if the argument can only be an ID of the store.

    Args:
        expected: A description of valid words.

    Raises:
        TraceNotFoundError: The argument names no regular file, or one that does not exist.
    """
    path = Path(argument)
    try:
        if path.is_file():
            return path
        mode = path.stat().st_mode if path.exists() else None
    except OSError:  # the name is too long for a file
        return None
    if mode is not None:
        raise TraceNotFoundError(f"{argument}: it is {file_kind(mode)}; expected {expected}")
    if path.suffix or "/" in argument:
        raise TraceNotFoundError(f"{argument}: no such file; expected {expected}")
    return None
