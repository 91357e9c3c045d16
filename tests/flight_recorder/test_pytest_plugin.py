"""The pytest plugin: tapes answer tests, traces are expected, and both can fail a test."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import mlflow
import pytest

from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.docs.documents import ROOT
from tests.flight_recorder.projects import COMMON, TEST_FILES
from tests.support.forks.forking_python import forking_python
from tests.support.new_store import new_store

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]  # the fixture runs many tests

HELLO = {"lane": "main", "origin": "scripted", "when": "Hello", "reply": {"content": "Hi."}}
PLUGIN = ("-p", "flight_recorder.pytest_plugin", "-p", "no:cacheprovider", "-W", "ignore")


@dataclass(frozen=True)
class CaseResult:
    """How a test of the project ended: "passed", "failure" or "error", and what pytest printed."""

    outcome: str
    text: str


def write_tape(path: Path, *lines: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def run_pytest(
    folder: Path, *options: str, python: str = "", **variables: str
) -> dict[str, CaseResult]:
    """Run the project's tests in a process of its own, a fork if no Python is named.

    Return the result of each.
    """
    report = folder / "report.xml"
    inherited = {name: os.environ[name] for name in os.environ if not name.startswith("OPENAI_")}
    ended = subprocess.run(
        [python or forking_python(), "-m", "pytest", *PLUGIN, f"--junitxml={report}", *options],
        cwd=folder,
        env=inherited | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])} | variables,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert report.exists(), ended.stdout + ended.stderr
    results = {}
    for case in ElementTree.parse(report).iter("testcase"):
        details = [child for child in case if child.tag in ("failure", "error")]
        outcome = details[0].tag if details else "passed"
        results[case.attrib["name"]] = CaseResult(outcome, "".join(case.itertext()))
    return results


@pytest.fixture(scope="module")
def results(store: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CaseResult]:
    """The results of a project's tests, in two processes, with the traces kept in the store."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "common.py").write_text(COMMON)
    for name, tests in TEST_FILES.items():
        (folder / name).write_text(tests)
    write_tape(folder / "hello.jsonl", HELLO)
    write_tape(folder / "two.jsonl", HELLO, HELLO)
    write_tape(folder / "tapes" / "test_tapes" / "test_default_path.jsonl", HELLO)
    mlflow.MlflowClient(store).search_experiments()  # creates the tables
    return run_pytest(folder, "-n", "2", "--dist", "loadfile", f"--trace-store={store}")


@pytest.mark.parametrize(
    "name",
    [
        "test_answer",
        "test_default_path",
        "test_expected",
        "test_async",
        "test_started_program",
        "test_own_tracing",
        "test_environment_afterwards",
    ],
)
def test_a_test_passes(results: dict[str, CaseResult], name: str) -> None:
    assert results[name].outcome == "passed", results[name].text


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("test_unplayed", r"1 lines? unplayed\n\s*unplayed: .*hello\.jsonl:1"),
        ("test_refused", r"(?s)refused: lane .main., call 2.*user: Goodbye"),
        ("test_own_error", r"(?s)KeyError: 'its own error'.*unplayed: .*hello\.jsonl:1"),
        ("test_no_trace", r"the test has left no trace"),
        ("test_failed_expectation", r"(?s)1 of 2 expectations do not hold.*✗ .*writer.*; but .*▶ "),
        ("test_two_traces", r"expected one trace, but the test has left 2: "),
    ],
)
def test_a_test_fails_with_the_reason(
    results: dict[str, CaseResult], name: str, sentence: str
) -> None:
    assert results[name].outcome == "failure", results[name]
    assert re.search(sentence, results[name].text), results[name].text


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("test_missing_tape", r"missing\.jsonl: there is no such tape.*scenarios record --tape"),
        ("test_wrong_argument", r"the marker tape expects a path and mode, .*; got mod"),
    ],
)
def test_a_test_cannot_start_with_a_wrong_tape(
    results: dict[str, CaseResult], name: str, sentence: str
) -> None:
    assert results[name].outcome == "error", results[name]
    assert re.search(sentence, results[name].text), results[name].text


def test_a_failed_expectation_is_an_assessment_in_a_store_that_is_kept(
    results: dict[str, CaseResult], store: str
) -> None:
    client = mlflow.MlflowClient(store)
    (trace,) = client.search_traces(
        locations=[one.experiment_id for one in client.search_experiments()],
        filter_string="tags.`flight_recorder.test` LIKE '%test_failed_expectation%'",
    )
    (assessment,) = trace.info.assessments
    assert (assessment.value, "writer" in assessment.name) == (False, True)
    assert trace.info.trace_id in results["test_failed_expectation"].text


def test_a_tape_is_recorded_once_and_then_replayed(tmp_path: Path) -> None:
    (tmp_path / "common.py").write_text(COMMON)
    test = "from common import *\ndef test_it(tape): assert ask() == 'Hi.'\n"
    (tmp_path / "test_recorded.py").write_text(test)
    with replay_tape(Tape.parse(json.dumps(HELLO).encode())) as endpoint:
        variables = {"OPENAI_BASE_URL": endpoint.base_url, "OPENAI_API_KEY": "unused"}
        recorded = run_pytest(tmp_path, "--tape-mode=once", python=sys.executable, **variables)
    assert recorded["test_it"].outcome == "passed", recorded
    assert "Hi." in (tmp_path / "tapes" / "test_recorded" / "test_it.jsonl").read_text()
    replayed = run_pytest(tmp_path)
    assert replayed["test_it"].outcome == "passed", replayed


MLFLOW_TESTS = """
import mlflow
from common import *
from flight_recorder.testing import as_scorer


@pytest.mark.tape("hello.jsonl")
@mlflow.test
def test_expected(trace):
    ask()
    expect(trace, output_contains("Hi"))


@pytest.mark.tape("hello.jsonl")
@mlflow.test
def test_not_expected(trace):
    ask()
    expect(trace, output_contains("Bye"))


@pytest.mark.tape("hello.jsonl")
@mlflow.test
def test_evaluated(trace):
    ask()
    mlflow.flush_trace_async_logging()
    traces = mlflow.search_traces(return_type="list", max_results=1)
    greets = as_scorer(output_contains("Hi"), "greets")
    result = mlflow.genai.evaluate(data=traces, scorers=[greets])
    assert result.metrics["greets/mean"] == 1.0
"""


def test_a_test_can_be_a_test_of_mlflow_too(tmp_path: Path) -> None:
    (tmp_path / "common.py").write_text(COMMON)
    (tmp_path / "test_mlflow.py").write_text(MLFLOW_TESTS)
    write_tape(tmp_path / "hello.jsonl", HELLO)
    store = new_store(tmp_path)
    options = ("-p", "mlflow.pytest.plugin", f"--trace-store={store}")
    results = run_pytest(tmp_path, *options, MLFLOW_TRACKING_URI=store)
    assert {name: result.outcome for name, result in results.items()} == {
        "test_expected": "passed",
        "test_not_expected": "failure",
        "test_evaluated": "passed",
    }, results
    assert "the output contains /Bye/" in results["test_not_expected"].text
    client = mlflow.MlflowClient(store)
    experiments = [one.experiment_id for one in client.search_experiments()]
    assert "FAILED" in [run.info.status for run in client.search_runs(experiments)]


def test_the_plugin_imports_nothing_until_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "    assert not loaded & {'mlflow', 'scenarios', 'patches', 'openai'}\n"
    )
    assert run_pytest(tmp_path, python=sys.executable)["test_it"].outcome == "passed"
