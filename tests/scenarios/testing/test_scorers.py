"""Expectations are scorers of `mlflow.genai.evaluate`, for traces that are already stored."""

import warnings
from collections.abc import Iterator
from typing import Any

import mlflow
import pytest

from scenarios.expectations import ends_with_status, output_contains, takes_turns
from scenarios.expectations.expectation import explain_failure
from scenarios.testing.scorers import as_scorer
from scenarios.testing.traced_test import trace_test

pytestmark = pytest.mark.long


@pytest.fixture
def stored_traces(store: str) -> Iterator[list[Any]]:
    """The traces of two runs of a program, in the store that MLflow uses."""
    with trace_test("scorers", store) as test:
        for answer in ("approved", "rejected"):
            with mlflow.start_span("review") as span:
                span.set_outputs({"answer": answer})
        trace_ids = test.read_all().ids
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store)
    yield [mlflow.get_trace(trace_id) for trace_id in trace_ids]
    mlflow.set_tracking_uri(before)


def test_scorers_judge_stored_traces(stored_traces: list[Any]) -> None:
    scorers = [
        as_scorer(output_contains("approved")),
        as_scorer(takes_turns("editor", 1), "editing"),
        as_scorer(ends_with_status("OK")),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the evaluation's own libraries
        result = mlflow.genai.evaluate(data=stored_traces, scorers=scorers)
    assert result.metrics == {
        "the output contains approved/mean": 0.5,
        "editing/mean": 0,
        "the run ends with status OK/mean": 1,
    }


def test_a_scorer_and_an_expectation_agree(stored_traces: list[Any]) -> None:
    from instrumentation.trace import trace_from_mlflow

    expectation = output_contains("approved")
    for trace in stored_traces:
        feedback = as_scorer(expectation)(trace=trace)
        failure = explain_failure(trace_from_mlflow([trace.to_dict()]), expectation)
        assert (feedback.value, feedback.rationale) == (
            failure is None,
            failure or expectation.description,
        )
