"""Ours: the same autologging, made whole by the house."""

from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from typing import Any

from integrations.instrumentors.capture import Around, Left
from integrations.programs.case_context import NotHere

MADE_BY = {"crewai": "crewai_events", "autogen": "autogen_turns"}
"""The patch without which ours is not there for a framework: it records the agents' turns."""


@contextmanager
def ours(store: str, framework: str) -> Generator[Around]:
    """`traced`, around all cases, and `recorded` around each.

    Raises `NotHere` with versions that it does not mend.
    """
    try:
        from instrumentation.tracing import traced
        from instrumentation.tracing_patches import Unguarded
    except ImportError as missing:
        raise NotHere(f"our instrumentation cannot be imported: {missing}") from missing
    with ExitStack() as stack:
        try:
            outcomes = stack.enter_context(traced(store, "ours", (framework,)))
        except Unguarded as error:
            raise NotHere(str(error)) from error
        _required(outcomes, MADE_BY.get(framework, ""))
        yield _marked


def _required(outcomes: Iterable[Any], name: str) -> None:
    for outcome in outcomes:
        if outcome.patch.name == name and outcome.why_not:
            raise NotHere(outcome.why_not)


@contextmanager
def _marked(case: str) -> Generator[Left]:
    import mlflow

    from instrumentation.tracing import recorded

    left = Left()
    with recorded({"case": case}) as run:
        yield left
    with left.spending():
        mlflow.flush_trace_async_logging()
    left.traces.extend(trace.to_dict() for trace in run.traces())
