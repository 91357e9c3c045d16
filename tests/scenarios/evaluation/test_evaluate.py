"""`evaluate`: what it prints, what it leaves in MLflow, and what MLflow's own pages show of it."""

import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.genai.datasets import search_datasets
from playwright.sync_api import Page

from scenarios.evaluation.task_runs import DATASET_NAME, TASKS
from tests.docs.documents import ROOT
from tests.support.browser import find_chromium, read_page
from tests.support.cli_runner import run_command
from tests.support.new_store import new_store
from tests.support.servers import mlflow_server

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(500),
    pytest.mark.filterwarnings("ignore:Starting with pandas version 4"),  # MLflow's own call
]


def browser(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that needs Chromium."""
    reason = "needs Chromium, none is downloaded: apt-get install chromium"
    skip: Any = pytest.mark.skipif(find_chromium() is None, reason=reason)
    marked: Callable[..., None] = pytest.mark.browser(skip(test))
    return marked


PAGE = ROOT / "docs" / "how-to" / "evaluate-runs.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluated")


@pytest.fixture(scope="module")
def store(folder: Path) -> str:
    return new_store(folder)


@pytest.fixture(scope="module")
def printed(store: str) -> str:
    result = run_command(store, "evaluate")
    assert result.exit_code == 0, result.stderr
    mlflow.set_tracking_uri(store)
    return result.stdout


@pytest.fixture(scope="module")
def experiment_url(printed: str, folder: Path, store: str) -> Generator[str]:
    """The page of the experiment with the runs."""
    with mlflow_server(folder, store) as server:
        yield f"{server}/#/experiments/1"


def test_the_page_shows_what_the_command_prints(printed: str) -> None:
    block = re.search(r"<!-- printed by: evaluate -->\n(.*?)<!-- end -->", PAGE.read_text(), re.S)
    assert block
    assert printed == block[1]


def test_equal_tasks_are_one_record_with_the_expected_facts(printed: str) -> None:
    (dataset,) = search_datasets(filter_string=f"name = '{DATASET_NAME}'")
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


def text_of(url: str, awaited: str) -> list[str]:
    """The lines of a page, once it shows the awaited text."""

    def read(page: Page) -> list[str]:
        page.get_by_text(awaited, exact=True).first.wait_for()
        return page.locator("body").inner_text().splitlines()

    return read_page(url, read)


@browser
def test_the_evaluation_runs_have_the_rate_of_each_scorer(experiment_url: str) -> None:
    lines = text_of(f"{experiment_url}/evaluation-runs", "correctness/mean")
    names = [line for line in lines if line.endswith("/mean")]
    for version, rate in (("broken", "0"), ("fixed", "1")):
        start = lines.index(version)
        rates = lines[lines.index("-", start) + 1 :][: len(names) - 1]
        assert rates[names[1:].index("correctness/mean")] == rate


@browser
def test_the_traces_have_the_judges_verdicts_in_columns(experiment_url: str) -> None:
    lines = text_of(f"{experiment_url}/traces", "correctness")
    assert {"correctness", "groundedness", "no_finding", "safety"} <= set(lines)
    verdicts = [line for line in lines if line in ("True", "False")]
    assert {"True", "False"} == set(verdicts)
    assert len(verdicts) >= 2 * len(TASKS)


@browser
def test_the_dataset_is_listed(experiment_url: str) -> None:
    assert DATASET_NAME in text_of(f"{experiment_url}/datasets", DATASET_NAME)


def _experiment_ids() -> list[str]:
    return [one.experiment_id for one in mlflow.search_experiments()]
