"""Unaware of termination: the last turn objects, but the run's output says that it was approved."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.texts import sentence_keys, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.diagnosis.reading.verdict import read_verdict, read_verdict_field
from instrumentation.trace.span import Span

MODE = "unaware of termination conditions"
FIX = "Tell a result from a run that reached its limit: return the reviewer's verdict with it."


def find_rejected_results_called_approved(reading: TraceReading) -> Iterator[Finding]:
    """Yield runs that claim approval, although the last turn objects and is part of the output."""
    index = reading.index
    if not index.turns:
        return
    last = max(index.turns, key=index.end_position)
    root = index.root(last)
    if root.failed or read_verdict(to_json_text(_message(last))) is not False:
        return
    claimed = read_verdict_field(root.outputs)
    objection = sentence_keys(reading.flow.output(last))
    if claimed is not True or not objection & sentence_keys(index.answer):
        return
    rounds = sum(turn.agent == last.agent for turn in index.turns)
    yield reading.build_finding(
        MODE,
        root,
        FIX,
        0.9,
        quote(last, last.outputs, f"{last.agent} objects, in round {rounds}"),
        quote(root, root.outputs, "the run calls it a success"),
        agent=last.agent,
    )


def _message(turn: Span) -> object:
    """The text of a turn's output, without the labels around it."""
    outputs = turn.outputs
    return outputs.get("content", outputs) if isinstance(outputs, dict) else outputs
