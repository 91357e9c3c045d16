"""Read a run: from a file with a trace or a tape, or from the MLflow store by its id."""

from pathlib import Path

import orjson

from instrumentation.trace import Trace, TraceNotFoundError
from instrumentation.trace.trace_file import load_traces
from scenarios.tape.header import TapeHeader
from scenarios.tape.tape import Tape
from scenarios.traces.divergence.run_calls import run_from_tape, run_from_trace
from scenarios.traces.divergence.run_record import RecordedRun
from scenarios.traces.store.trace_argument import (
    LAST,
    RUN_ID,
    fetch_stored_trace,
    find_trace_file,
)

TRACE_ID_PREFIX = "tr-"
EXPECTED_SOURCE = (
    "a file with a trace or a tape, the id of a trace (tr-…) or of a run (its tag"
    f" flight_recorder.run), or {LAST}"
)


def load_runs(a: str, b: str, tracking_uri: str) -> tuple[RecordedRun, RecordedRun]:
    """Read two runs. An agent that a trace does not name has the lane that it has in the other run.

    Args:
        a: A file (a trace in any readable format, or a tape), the id of a trace in the store, the
            id of a run (the tag `flight_recorder.run`), or `last`.
        b: The same, of the other run.

    Raises:
        TraceNotFoundError: There is no such file or trace, it cannot be read, or it has several
            runs.
        TapeError: The tape is invalid.
        StoreUnavailableError: The store does not answer.
    """
    sources = [_load_source(source, tracking_uri) for source in (a, b)]
    like = next((source for source in sources if isinstance(source, Tape)), None)
    runs = []
    for name, source in zip((a, b), sources, strict=True):
        if isinstance(source, Tape):
            runs.append(run_from_tape(source, name))
        else:
            runs.append(run_from_trace(source, name, like))
            like = like or Tape((), header=TapeHeader(dict(runs[-1].unnamed_lanes)))
    return runs[0], runs[1]


def _load_source(source: str, tracking_uri: str) -> Tape | Trace:
    path = find_trace_file(source, EXPECTED_SOURCE)
    if path is None:
        return fetch_by_id(source, tracking_uri)
    return Tape.load(path) if is_tape(path) else load_trace(path)


def load_all_traces(source: str, tracking_uri: str) -> Trace:
    """Read all traces of a file as one run, or those of an id from the store.

    An instrumentor that loses the connection between spans writes one trace per completion.
    """
    path = find_trace_file(source, EXPECTED_SOURCE)
    if path is None:
        return fetch_by_id(source, tracking_uri)
    traces = load_traces(path)
    if len(traces) == 1:
        return traces[0]
    return Trace(tuple(root for trace in traces for root in trace.roots))


def is_tape(path: Path) -> bool:
    """Whether the file's first line is one of a tape."""
    try:
        with path.open("rb") as file:
            first = next((line for line in file if line.strip()), b"")
        fields = orjson.loads(first)
    except (OSError, orjson.JSONDecodeError):
        return False
    return isinstance(fields, dict) and bool({"lane", "lanes"} & fields.keys())


def load_trace(path: Path) -> Trace:
    """Read the only run of a file. Raises `TraceNotFoundError` if it has several."""
    traces = load_traces(path)
    if len(traces) > 1:
        raise TraceNotFoundError(
            f"{path}: expected one run, found {len(traces)}; export one of them, for instance with"
            " `mlflow traces get --trace-id ID`"
        )
    return traces[0]


def fetch_by_id(id: str, tracking_uri: str) -> Trace:
    """Fetch a trace, all traces of a run, or the newest run from the store.

    Raises:
        TraceNotFoundError: It is neither a file nor the id of a trace or a run of the store.
    """
    if id.startswith(TRACE_ID_PREFIX) or id == LAST or RUN_ID.fullmatch(id):
        return fetch_stored_trace(id, tracking_uri)
    raise TraceNotFoundError(f"{id}: no such file; expected {EXPECTED_SOURCE}")
