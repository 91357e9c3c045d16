"""MLflow's own pages show the dataset, the review queue, the prompt's versions and the releases."""

from collections.abc import Generator
from pathlib import Path

import mlflow
import pytest

from tests.scenarios.evaluation.test_evaluate import browser, text_of
from tests.support.cli_runner import run_command
from tests.support.new_store import new_store
from tests.support.servers import mlflow_server

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:Starting with pandas version 4"),  # MLflow's own call
]

SCENARIOS = ("feedback_lands_on_the_wrong_turn", "prompt_alias_points_at_the_old_version")
PROMPT = "flight-recorder-chat"
DATASET = "low-rated runs"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A server with both scenarios' runs, and what `dataset` made of the ratings."""
    folder: Path = tmp_path_factory.mktemp("rated")
    store = new_store(folder)
    before = mlflow.get_tracking_uri()
    for name in SCENARIOS:
        run_command(store, "run", name)
    made = run_command(store, "dataset", "--from-feedback", "flight-recorder", "--review")
    assert made.exit_code == 0, made.stderr
    with mlflow_server(folder, store) as url:
        yield url
    mlflow.set_tracking_uri(before)


@browser
def test_the_dataset_of_the_low_rated_runs_is_listed(server: str) -> None:
    assert DATASET in text_of(f"{server}/#/experiments/1/datasets", DATASET)


@browser
def test_the_review_queue_is_listed_with_its_runs(server: str) -> None:
    lines = text_of(f"{server}/#/experiments/1/review-queue", DATASET)
    assert DATASET in lines


@browser
def test_the_prompt_has_two_versions_and_its_alias(server: str) -> None:
    lines = text_of(f"{server}/#/experiments/1/prompts/{PROMPT}", "Version 2")
    assert "Version 1" in lines
    assert any("production" in line for line in lines)


@browser
def test_each_release_is_an_agent_version(server: str) -> None:
    lines = text_of(f"{server}/#/experiments/1/models", f"{PROMPT}-2-taped")
    assert f"{PROMPT}-1-taped" in lines
