"""Use expectations and the diagnosis as scorers of `mlflow.genai.evaluate`."""

import re
from collections.abc import Sequence
from typing import Any

from instrumentation.diagnosis import diagnose
from instrumentation.trace import trace_from_mlflow
from scenarios.expectations.assessments import MAX_NAME_CHARS
from scenarios.expectations.expectation import Expectation, explain_failure

INVALID_CHARACTERS = re.compile(r"[^\w .:-]", re.ASCII)


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
    # MLflow takes three seconds to import, which those who only assert need not wait for.
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import scorer

    def evaluate_expectation(trace: Any) -> Any:
        failure = explain_failure(trace_from_mlflow([trace.to_dict()]), expectation)
        return Feedback(value=failure is None, rationale=failure or expectation.description)

    return scorer(
        evaluate_expectation,
        name=name or _metric_name(expectation.description),
        description=expectation.description,
    )


def make_joint_scorer(expectations: Sequence[Expectation], name: str = "meets_expectations") -> Any:
    """Make one scorer of several expectations: whether a trace meets all of them."""
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import scorer

    def evaluate_expectations(trace: Any) -> Any:
        recorded = trace_from_mlflow([trace.to_dict()])
        failures = list(filter(None, (explain_failure(recorded, one) for one in expectations)))
        return Feedback(value=not failures, rationale="\n".join(failures) or "it meets them all")

    return scorer(evaluate_expectations, name=name)


def make_finding_scorer(name: str = "no_finding") -> Any:
    """Make a scorer of the diagnosis: whether it finds nothing in a trace."""
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import scorer

    def evaluate_diagnosis(trace: Any) -> Any:
        found = diagnose(trace_from_mlflow([trace.to_dict()])).findings
        return Feedback(value=not found, rationale="\n".join(map(str, found)) or "nothing found")

    return scorer(evaluate_diagnosis, name=name)


def _metric_name(description: str) -> str:
    """The description as the name of a metric, of which a path in a file system could be made."""
    return " ".join(INVALID_CHARACTERS.sub(" ", description).split())[:MAX_NAME_CHARS]
