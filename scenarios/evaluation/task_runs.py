"""Run both variants of the evaluation tasks; build their dataset and scorers that need no model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mlflow

from instrumentation.trace import Trace
from scenarios.evaluation.tasks import EvaluationTask
from scenarios.expectations.assessments import AssessmentLog
from scenarios.expectations.expectation import explain_failure
from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import load_scenario
from scenarios.tape.placeholders import fill_inputs
from scenarios.testing.scorers import make_finding_scorer, make_joint_scorer

DATASET_NAME = "flight recorder: tasks"
SCENARIO_TAG = "flight_recorder.scenario"


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
