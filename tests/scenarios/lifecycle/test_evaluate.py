"""`evaluate`: what it prints, and what it leaves in MLflow."""

import re

import mlflow
import pytest
from mlflow.genai.datasets import search_datasets

from scenarios.lifecycle.task_runs import DATASET
from scenarios.lifecycle.tasks import TASKS
from tests.docs.documents import ROOT
from tests.support.cli_runner import run_command

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(500),
    pytest.mark.filterwarnings("ignore:Starting with pandas version 4"),  # MLflow's own call
]

PAGE = ROOT / "docs" / "how-to" / "evaluate-runs.md"


@pytest.fixture(scope="module")
def printed(store: str) -> str:
    result = run_command(store, "evaluate")
    assert result.exit_code == 0, result.stderr
    mlflow.set_tracking_uri(store)
    return result.stdout


def test_the_page_shows_what_the_command_prints(printed: str) -> None:
    block = re.search(r"<!-- printed by: evaluate -->\n(.*?)<!-- end -->", PAGE.read_text(), re.S)
    assert block
    assert printed == block[1]


def test_equal_tasks_are_one_record_with_the_expected_facts(printed: str) -> None:
    (dataset,) = search_datasets(filter_string=f"name = '{DATASET}'")
    records = dataset.to_df()
    tasks = {record["task"] for record in records["inputs"]}
    assert len(records) == len(tasks) < len(TASKS) + 1
    assert all(one["expected_facts"] for one in records["expectations"])


def test_the_groundedness_of_a_step_is_on_the_span_of_its_turn(printed: str) -> None:
    traces = mlflow.search_traces(locations=_experiment_ids(), return_type="list", max_results=500)
    rated = [
        (trace, one)
        for trace in traces
        for one in trace.info.assessments
        if one.name.startswith("groundedness of ")
    ]
    assert len(rated) == 2 * len(TASKS)
    for trace, one in rated:
        turn = next(span for span in trace.data.spans if span.span_id == one.span_id)
        assert turn.span_type == "AGENT"
        assert one.source.source_type == "LLM_JUDGE"


def _experiment_ids() -> list[str]:
    return [one.experiment_id for one in mlflow.search_experiments()]
