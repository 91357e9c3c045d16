"""The evaluation tasks: run both variants of each; their dataset, and scorers that need no model.

There are two tasks each of the review flow, the crew and the search agent. The expected facts name
a scenario's inputs by placeholders, as its task does. They never write out a figure that is an
input.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mlflow

from instrumentation.trace import Trace
from scenarios.expectations.assessments import AssessmentLog
from scenarios.expectations.expectation import explain_failure
from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import load_scenario
from scenarios.tape.placeholders import fill_inputs
from scenarios.testing.scorers import make_finding_scorer, make_joint_scorer

DATASET_NAME = "flight recorder: tasks"
SCENARIO_TAG = "flight_recorder.scenario"


@dataclass(frozen=True)
class EvaluationTask:
    """A scenario whose broken and fixed runs are compared, and the facts of a right answer."""

    scenario: str
    expected_facts: str


TASKS = (
    EvaluationTask(
        "search_answers_without_searching",
        "${people} million people were counted in Croatia in the census of 2021.",
    ),
    EvaluationTask(
        "search_result_is_misread",
        "Consumer prices in France rose by ${average}% on average over 2023.",
    ),
    EvaluationTask(
        "check_is_never_run",
        "Consumer prices in France rose by ${value} per cent in ${year}, rounded to one place.",
    ),
    EvaluationTask(
        "quarterly_figure_becomes_annual",
        "${value} is the GDP of the USA in one quarter, ${quarter}; it is not a figure of a year.",
    ),
    EvaluationTask(
        "summarizer_never_sees_the_draft",
        "Mars Climate Orbiter was aimed at 226 km and came down to 57 km. Both the text and its"
        " summary say so.",
    ),
    EvaluationTask(
        "reviewer_says_cannot_approve",
        "Mars Climate Orbiter was aimed at 226 km and came down to 57 km. Both the text and its"
        " summary say so.",
    ),
)

CONVERSATION_SCENARIO = "conversation_goes_well"
"""The scenario whose session is judged as a whole."""


@dataclass(frozen=True)
class TaskRun:
    """A finished run of a task.

    Attributes:
        is_right: Whether it meets all that the scenario expects of its fixed variant.
    """

    task: EvaluationTask
    variant: str
    trace: Trace
    is_right: bool

    @property
    def trace_id(self) -> str:
        return self.trace.ids[0]


def run_tasks(tasks: Sequence[EvaluationTask], store: str) -> Iterator[TaskRun]:
    """Run the broken and the fixed variant of each task, and log the expected facts."""
    source = AssessmentLog(store).source
    for task in tasks:
        scenario = load_scenario(task.scenario)
        for result in run_scenario(task.scenario, store).variants:
            trace = result.trace
            if trace is None or result.variant not in ("broken", "fixed"):
                continue
            facts = str(fill_inputs(task.expected_facts, result.inputs))
            mlflow.log_expectation(
                trace_id=trace.ids[0], name="expected_facts", value=facts, source=source
            )
            failures = [explain_failure(trace, one) for one in scenario.expect_fixed]
            yield TaskRun(task, result.variant, trace, not any(failures))


def update_dataset(experiment_id: str, traces: Sequence[Any]) -> Any:
    """Merge the tasks of the traces into the experiment's dataset; equal inputs are one record."""
    from mlflow.genai.datasets import create_dataset, search_datasets

    found = search_datasets(
        experiment_ids=[experiment_id], filter_string=f"name = '{DATASET_NAME}'"
    )
    dataset = next(iter(found), None) or create_dataset(
        name=DATASET_NAME, experiment_id=experiment_id
    )
    return dataset.merge_records(list(traces))


def build_code_scorers() -> list[Any]:
    """Two scorers of this suite: the scenario's expectations, and the diagnosis."""
    meets_expectations = make_joint_scorer(
        lambda tags: load_scenario(tags[SCENARIO_TAG]).expect_fixed
    )
    return [meets_expectations, make_finding_scorer()]
