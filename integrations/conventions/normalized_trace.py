"""What a flight's instrumentor tells of it, as the house's own tree, whoever recorded it."""

from collections.abc import Mapping
from typing import Any

from instrumentation.trace.span_tree import grown
from instrumentation.trace.trace import NoTrace, Trace, from_mlflow
from integrations.conventions.span_attributes import spelt
from integrations.runner.case_run import Flight


def told(flight: Flight) -> Trace:
    """The tree; without roots where nothing was recorded."""
    if flight.spans:
        return Trace(grown([spelt(span) for span in flight.spans]))
    try:
        return from_mlflow(map(_spelt, flight.traces))
    except NoTrace:
        return Trace(())


def _spelt(trace: Mapping[str, Any]) -> dict[str, Any]:
    data = trace["data"]
    return {**trace, "data": {**data, "spans": [spelt(span) for span in data["spans"]]}}
