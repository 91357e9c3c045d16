"""Read the ratings, the labels and the inputs of stored runs."""

from collections.abc import Iterable, Sequence
from typing import Any

import mlflow
from mlflow.entities import Expectation, Feedback, Trace, TraceInfo

ANSWER_CONTAINS = "answer_contains"
"""The label with the words that a right answer contains; a regression test is made of it."""
SESSION_KEY, USER_KEY = "mlflow.trace.session", "mlflow.trace.user"
HUMAN = "HUMAN"
BATCH_SIZE = 50
"""Traces with their spans that are fetched at once."""


def list_runs(experiment_id: str) -> list[TraceInfo]:
    """The runs of an experiment, oldest first, without their spans."""
    found = mlflow.search_traces(locations=[experiment_id], include_spans=False, return_type="list")
    return sorted((trace.info for trace in found), key=lambda run: (run.request_time, run.trace_id))


def fetch_traces(experiment_id: str, ids: Iterable[str]) -> dict[str, Trace]:
    """Traces with their spans, by id, without those that were deleted."""
    wanted, found = list(dict.fromkeys(ids)), {}
    for first in range(0, len(wanted), BATCH_SIZE):
        quoted = ", ".join(f"'{id}'" for id in wanted[first : first + BATCH_SIZE])
        for trace in mlflow.search_traces(
            locations=[experiment_id],
            filter_string=f"trace.request_id IN ({quoted})",
            return_type="list",
        ):
            found[trace.info.trace_id] = trace
    return found


def read_ratings(run: TraceInfo) -> list[Feedback]:
    """The last feedback of each person to each question about a run."""
    last = {}
    for one in sorted(run.assessments, key=lambda one: one.last_update_time_ms or 0):
        if isinstance(one, Feedback) and one.valid is not False and one.source.source_type == HUMAN:
            last[one.source.source_id, one.name, one.span_id] = one
    return list(last.values())


def read_labels(runs: Iterable[TraceInfo]) -> dict[str, Any]:
    """The newest label of each name of runs with one input; a person's before a model's.

    A label of a step is not one of the run.
    """
    labels = [
        one
        for run in runs
        for one in run.assessments
        if isinstance(one, Expectation) and one.valid is not False and not one.span_id
    ]
    labels.sort(key=lambda one: (one.source.source_type == HUMAN, one.last_update_time_ms or 0))
    return {one.name: one.value for one in labels}


def is_labelled_by_person(run: TraceInfo) -> bool:
    """Whether a person has labelled the run, and not only a model."""
    labels = (one for one in run.assessments if isinstance(one, Expectation))
    return any(one.source.source_type == HUMAN for one in labels)


def list_people(run: TraceInfo) -> set[str]:
    """The names of people in a run's trace: its user, and those who rated or labelled it."""
    sources = (one.source for one in run.assessments)
    names = {one.source_id for one in sources if one.source_type == HUMAN}
    return names | {run.trace_metadata.get(USER_KEY) or ""}


def list_earlier_turns(run: TraceInfo, runs: Iterable[TraceInfo]) -> list[str]:
    """The ids of the turns before a run, if it is one of a session; `runs` are in order."""
    session = run.trace_metadata.get(SESSION_KEY)
    same = [
        one.trace_id for one in runs if session and one.trace_metadata.get(SESSION_KEY) == session
    ]
    return same[: same.index(run.trace_id)] if same else []


def read_inputs(trace: Trace, earlier: Sequence[Trace] = ()) -> dict[str, Any]:
    """What a run was given: the inputs of its root span; {} if there is none.

    "And for sail?" is no task without its conversation: the messages of earlier turns come first.
    """
    inputs, _ = _read_root(trace)
    if not inputs:
        return {}
    if not isinstance(inputs, dict):
        return {"input": inputs}
    messages = inputs.get("messages")
    if not isinstance(messages, list) or len(messages) != 1:
        return inputs
    return inputs | {"messages": [*(one for turn in earlier for one in _messages(turn)), *messages]}


def _messages(turn: Trace) -> list[Any]:
    """The message and the answer of a turn; [] for a trace that is none, such as a rating."""
    found = [part.get("messages") for part in _read_root(turn) if isinstance(part, dict)]
    is_turn = len(found) == 2 and all(isinstance(one, list) for one in found)
    return [message for part in found for message in part or ()] if is_turn else []


def _read_root(trace: Trace) -> tuple[Any, Any]:
    """The inputs and the outputs of the root span; None for a span that was never stored."""
    roots = [span for span in trace.data.spans if span.parent_id is None]
    return (roots[0].inputs, roots[0].outputs) if roots else (None, None)
