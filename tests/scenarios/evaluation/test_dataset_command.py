"""The command `dataset`, and the regression test that is made of a low-rated run."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import mlflow
import pytest
from mlflow.entities import AssessmentSource

from scenarios.player.scenario_loader import scenario_folder
from tests.docs.documents import ROOT
from tests.flight_recorder.test_pytest_plugin import run_pytest
from tests.support.cli_runner import run_command
from tests.support.forks.forking_python import forking_python

pytestmark = pytest.mark.filterwarnings("ignore:Starting with pandas version 4")  # MLflow's own

PERSON = AssessmentSource("HUMAN", "anna")
BROKEN_RUN = scenario_folder("summarizer_never_sees_the_draft").recorded_trace("broken")
PROGRAM = """
import asyncio, os
from flight_recorder import enable_tracing
from workflows.model import Model
from {module} import {name} as Review

model = Model("taped", os.environ["OPENAI_BASE_URL"], api_key="unused")
with enable_tracing(frameworks=["autogen"]):
    asyncio.run(Review(model).run({task!r}))
"""
ANSWERS = """
import mlflow
from openai import OpenAI
from flight_recorder import enable_tracing

@mlflow.trace
def answer(task):
    messages = [{{"role": "user", "content": task}}]
    client = OpenAI(default_headers={{"x-agent-name": "main"}})
    reply = client.chat.completions.create(model="taped", messages=messages)
    return reply.choices[0].message.content{mistake}

with enable_tracing():
    answer("Name the French words for anchor and sail, one per line.")
    open(__file__.replace(".py", ".id"), "w").write(mlflow.get_last_active_trace_id())
"""


@pytest.fixture
def experiment(store: str) -> Iterator[str]:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store)
    yield mlflow.set_experiment(f"dataset {uuid4().hex}").name
    mlflow.set_tracking_uri(before)


def rate_low(task: str, comment: str = "") -> str:
    with mlflow.start_span("run") as span:
        span.set_inputs({"task": task})
        span.set_outputs("An answer.")
    mlflow.flush_trace_async_logging()
    id = str(span.trace_id)
    mlflow.log_feedback(
        trace_id=id, name="thumb", value=False, source=PERSON, rationale=comment or None
    )
    return id


def test_dataset_prints_what_it_adds(store: str, experiment: str) -> None:
    command = ("dataset", "--from-feedback", experiment)
    nothing = run_command(store, *command)
    assert (nothing.exit_code, nothing.stdout) == (
        0,
        "0 low-rated runs in the dataset 'low-rated runs': no record\n",
    )
    comment = "<script>alert(1)</script> \x1b[2J"
    ids = [rate_low("Name the <b>anchor</b>.", comment)]
    time.sleep(0.002)  # runs of one millisecond have no order
    ids.append(rate_low("name the  <b>anchor</b>"))
    mlflow.log_expectation(trace_id=ids[0], name="expected_facts", value="Ancre.", source=PERSON)
    first = run_command(store, *command, "--review")
    assert first.stdout == (
        "2 low-rated runs in the dataset 'low-rated runs': 1 record, 1 added\n"
        "  Name the <b>anchor</b>.\n"
        "    expected_facts: Ancre.\n"
        "1 run in the review queue\n"
    )
    second = run_command(store, *command, "--json")
    report = json.loads(second.stdout)
    assert report.keys() == {"dataset", "added", "changed", "unchanged", "skipped", "pending"}
    (record,) = report["unchanged"]
    assert (record["trace_ids"], report["added"], report["pending"]) == (ids, [], None)
    assert record["comments"] == [comment]
    assert "\x1b" not in second.stdout


def test_an_unknown_experiment_is_named(store: str, experiment: str) -> None:
    ended = run_command(store, "dataset", "--from-feedback", f"{experiment}x")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert f"did you mean {experiment}?" in ended.stderr


def test_an_experiment_without_a_name_is_an_error(store: str) -> None:
    ended = run_command(store, "dataset", "--from-feedback", "")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "expected the name of an experiment, found an empty text" in ended.stderr


@pytest.mark.long
@pytest.mark.timeout(400)  # it runs pytest twice
def test_a_regression_test_fails_until_the_program_is_fixed(store: str, tmp_path: Path) -> None:
    ended = run_command(
        *(store, "import-trace", str(BROKEN_RUN), "--regression", "--into", str(tmp_path)),
        *("--", forking_python(), "review.py"),
    )
    assert ended.exit_code == 0, ended.stderr
    assert 'avoids_failure("information withholding")' in (tmp_path / "test_review.py").read_text()
    task = json.loads(BROKEN_RUN.read_text())["roots"][0]["inputs"]["task"]
    mistake = "scenarios.catalog.summarizer_never_sees_the_draft.variants"
    outcomes = []
    for module, name in (
        (mistake, "ForwardsOnlyTheLastWord"),
        ("workflows.graphflow_review", "GraphFlowReview"),
    ):
        (tmp_path / "review.py").write_text(PROGRAM.format(module=module, name=name, task=task))
        outcomes.append(run_pytest(tmp_path, f"--trace-store={store}")["test_review"])
    assert [one.outcome for one in outcomes] == ["failure", "passed"], outcomes
    assert "information withholding" in outcomes[0].text


@pytest.mark.long
@pytest.mark.timeout(400)  # it runs pytest twice
def test_a_regression_test_of_a_labelled_run_expects_the_words_of_the_label(
    store: str, experiment: str, tmp_path: Path
) -> None:
    reply = {"content": "(ancre)\nvoile"}
    line = {"lane": "main", "origin": "scripted", "reply": reply}
    tape, program = tmp_path / "tape.jsonl", tmp_path / "answers.py"
    tape.write_text(json.dumps(line))
    program.write_text(ANSWERS.format(mistake=".splitlines()[0]"))
    run = ("replay", str(tape), "--", forking_python(), str(program))
    assert run_command(store, *run, PYTHONPATH=str(ROOT)).exit_code == 0
    id = program.with_suffix(".id").read_text()
    command = (
        *(store, "import-trace", id, "--regression", "--name", "words", "--into", str(tmp_path)),
        *("--", forking_python(), str(program)),
    )
    unlabelled = run_command(*command)
    assert unlabelled.exit_code == 2
    assert 'name="answer_contains"' in unlabelled.stderr
    assert not list(tmp_path.glob("test_*"))
    mlflow.log_expectation(trace_id=id, name="answer_contains", value="voile", source=PERSON)
    assert run_command(*command).exit_code == 0
    failed = run_pytest(tmp_path, f"--trace-store={store}")["test_words"]
    assert (failed.outcome, "the output" in failed.text) == ("failure", True)
    program.write_text(ANSWERS.format(mistake=""))
    assert run_pytest(tmp_path, f"--trace-store={store}")["test_words"].outcome == "passed"
