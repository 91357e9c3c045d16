"""Use expectations and the diagnosis as scorers of `mlflow.genai.evaluate`."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from instrumentation.diagnosis import diagnose
from instrumentation.trace import Trace, trace_from_mlflow
from scenarios.expectations.assessments import MAX_NAME_CHARS
from scenarios.expectations.expectation import Expectation, explain_failure

INVALID_CHARACTERS = re.compile(r"[^\w .:-]", re.ASCII)
Tags = Mapping[str, str]


def as_scorer(expectation: Expectation, name: str | None = None) -> Any:
    """Make a scorer of an expectation: its value is whether the expectation holds for a trace.

    Example:
        traces = mlflow.search_traces(...)
        mlflow.genai.evaluate(data=traces, scorers=[as_scorer(hands_off("writer", "editor"))])

    Args:
        expectation: The statement.
        name: The scorer's name. Default: the expectation's description, without the characters
            that MLflow rejects in the name of a metric.

    Returns:
        An `mlflow.genai.Scorer`. Its rationale says what the trace has instead.
    """
    return make_scorer(
        lambda trace, _: [explain_failure(trace, expectation) or ""],
        name or _metric_name(expectation.description),
        if_passed=expectation.description,
        description=expectation.description,
    )


def make_joint_scorer(expectations_for: Callable[[Tags], Sequence[Expectation]]) -> Any:
    """Make one scorer: whether a trace meets all expectations for its tags."""
    return make_scorer(
        lambda trace, tags: [explain_failure(trace, one) or "" for one in expectations_for(tags)],
        "meets_expectations",
        if_passed="it meets them all",
    )


def make_finding_scorer() -> Any:
    """Make a scorer of the diagnosis: whether it finds nothing in a trace."""
    return make_scorer(lambda trace, _: map(str, diagnose(trace).findings), "no_finding")


def make_scorer(
    find_failures: Callable[[Trace, Tags], Iterable[str]],
    name: str,
    *,
    if_passed: str = "nothing found",
    description: str | None = None,
) -> Any:
    """Make a scorer that a trace passes without failures; an empty text is none.

    Args:
        find_failures: Called with each trace and its tags.
        if_passed: The rationale of a trace that passes.
    """
    # MLflow takes three seconds to import, which those who only assert need not wait for.
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import scorer

    def score(trace: Any) -> Feedback:
        recorded = trace_from_mlflow([trace.to_dict()])
        failures = list(filter(None, find_failures(recorded, trace.info.tags)))
        return Feedback(value=not failures, rationale="\n".join(failures) or if_passed)

    return scorer(score, name=name, description=description)


def _metric_name(description: str) -> str:
    """The description as the name of a metric, of which a path in a file system could be made."""
    return " ".join(INVALID_CHARACTERS.sub(" ", description).split())[:MAX_NAME_CHARS]
