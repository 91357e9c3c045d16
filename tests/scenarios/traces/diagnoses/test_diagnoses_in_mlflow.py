"""Findings in MLflow: assessments, issues, scorers, and the diagnosis of an experiment."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Feedback, IssueReference
from packaging.version import Version

from instrumentation.diagnosis import DETECTORS, diagnose
from instrumentation.trace import Trace, TraceNotFoundError
from instrumentation.trace.canonical_json import load_trace
from instrumentation.trace.lookup import fetch_trace
from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import scenario_folder
from scenarios.traces.diagnoses import diagnosis_scorers, log_findings
from tests.scenarios.traces.trace_import.test_instrumentors import to_otlp
from tests.support.cli_runner import run_command

NAME = "summarizer_never_sees_the_draft"


@dataclass(frozen=True)
class StoredRuns:
    """A store with an experiment that has one broken and one fixed run."""

    uri: str
    broken: Trace
    fixed: Trace

    @property
    def experiment(self) -> str:
        name: str = mlflow.MlflowClient(self.uri).get_experiment(self.broken.experiment_id).name
        return name


@pytest.fixture(scope="module")
def stored(store: str) -> Iterator[StoredRuns]:
    before = mlflow.get_tracking_uri()
    broken, fixed = run_scenario(NAME, store).variants
    assert broken.trace
    assert fixed.trace
    yield StoredRuns(store, broken.trace, fixed.trace)
    mlflow.set_tracking_uri(before)


def test_a_finding_is_logged_once_on_its_origin_span_with_its_issue(stored: StoredRuns) -> None:
    trace = fetch_trace(stored.broken.ids[0], stored.uri)
    diagnosis = diagnose(trace)
    for _ in range(2):
        log_findings(trace, diagnosis, stored.uri)
    logged = mlflow.MlflowClient(stored.uri).get_trace(trace.ids[0]).info.assessments
    handoff = next(span for span in trace if span.name == "generator → summarizer")
    (feedback,) = (one for one in logged if one.name == "diagnosis: information withholding")
    assert isinstance(feedback, Feedback)
    assert (feedback.value, feedback.span_id) == (False, handoff.id)
    assert "nothing of this is in the prompt of summarizer" in str(feedback.rationale)
    assert feedback.metadata
    assert feedback.metadata["agent"] == "summarizer"
    (issue,) = (one for one in logged if isinstance(one, IssueReference))
    assert issue.issue_name == "information withholding"
    assert issue.span_id == handoff.id


@pytest.mark.skipif(
    Version(mlflow.__version__) < Version("3.18"), reason="MLflow before 3.18 has no such evidence"
)
def test_an_issue_walks_through_the_spans_from_origin_to_answer(stored: StoredRuns) -> None:
    from mlflow.entities import IssueEvidence  # older versions have none

    trace = fetch_trace(stored.broken.ids[0], stored.uri)
    (finding,) = diagnose(trace).findings
    log_findings(trace, diagnose(trace), stored.uri)
    logged = mlflow.MlflowClient(stored.uri).get_trace(trace.ids[0]).info.assessments
    (issue,) = (one for one in logged if isinstance(one, IssueReference))
    evidence = IssueEvidence.from_assessment(issue)
    assert evidence.primary_span_id == finding.span_id
    names = {span.id: span.name for span in trace}
    assert [names[id] for id in evidence.span_ids][:2] == ["generator → summarizer", "summarizer"]
    assert names[evidence.span_ids[-1]] == "review"
    assert any("nothing of this is in the prompt" in step.text for step in evidence.steps)


def test_a_diagnosis_in_the_terminal_links_to_the_trace_of_each_finding(
    stored: StoredRuns,
) -> None:
    text = run_command(stored.uri, "diagnose", stored.broken.ids[0]).stdout
    (link,) = (line for line in text.splitlines() if line.strip().startswith("open"))
    assert f"selectedEvaluationId={stored.broken.ids[0]}" in link


def test_a_page_links_to_each_span_that_a_finding_cites(stored: StoredRuns, tmp_path: Path) -> None:
    (finding,) = diagnose(fetch_trace(stored.broken.ids[0], stored.uri)).findings
    file = tmp_path / "diagnosis.html"
    run_command(stored.uri, "diagnose", stored.broken.ids[0], "--html", str(file))
    linked = re.findall(
        r'href="http://[^"]*" [^>]*aria-label="Open ([^"]*) in MLflow"', file.read_text()
    )
    assert linked == [finding.span, *(one.span for one in finding.evidence)]


def test_a_diagnosis_of_a_file_has_no_link() -> None:
    file = str(scenario_folder(NAME).recorded_trace("broken"))
    assert "://" not in run_command("", "diagnose", file).stdout


def test_an_export_over_otlp_is_diagnosed_like_the_stored_trace(
    stored: StoredRuns, tmp_path: Path
) -> None:
    exported = mlflow.MlflowClient(stored.uri).get_trace(stored.broken.ids[0]).to_dict()
    file = tmp_path / "otlp.json"
    file.write_text(json.dumps(to_otlp(exported["data"]["spans"])))
    (finding,) = json.loads(run_command("", "diagnose", str(file), "--json").stdout)["findings"]
    assert (finding["agent"], finding["span"]) == ("summarizer", "generator → summarizer")


def test_findings_of_a_trace_from_a_file_cannot_be_logged(stored: StoredRuns) -> None:
    trace = load_trace(scenario_folder(NAME).recorded_trace("broken"))
    with pytest.raises(TraceNotFoundError, match="read it with fetch_trace"):
        log_findings(trace, diagnose(trace), stored.uri)


def test_each_detector_is_a_scorer_that_fails_the_broken_run_only(stored: StoredRuns) -> None:
    scorers = diagnosis_scorers()
    assert [one.name for one in scorers] == [
        one.__name__.removeprefix("find_") for one in DETECTORS
    ]
    mlflow.set_tracking_uri(stored.uri)
    client = mlflow.MlflowClient(stored.uri)
    broken, fixed = (client.get_trace(one.ids[0]) for one in (stored.broken, stored.fixed))
    failed = [one.name for one in scorers if one.run(trace=broken).value is False]
    assert failed == ["lost_results"]
    assert all(one.run(trace=fixed).value for one in scorers)


@pytest.mark.filterwarnings("ignore:Starting with pandas version 4")  # MLflow's own call
def test_evaluate_counts_the_failures_of_traces(stored: StoredRuns) -> None:
    mlflow.set_tracking_uri(stored.uri)
    client = mlflow.MlflowClient(stored.uri)
    traces = [client.get_trace(one.ids[0]) for one in (stored.broken, stored.fixed)]
    lost = [one for one in diagnosis_scorers() if one.name == "lost_results"]
    result = mlflow.genai.evaluate(data=traces, scorers=lost)
    assert result.metrics == {"lost_results/mean": 0.5}


def test_an_experiment_is_diagnosed_run_by_run(stored: StoredRuns) -> None:
    result = run_command(stored.uri, "diagnose", "--experiment", stored.experiment, "--json")
    assert result.exit_code == 1
    runs = {run["trace_ids"][0]: run for run in json.loads(result.stdout)["runs"]}
    assert runs[stored.broken.ids[0]]["findings"][0]["agent"] == "summarizer"
    assert runs[stored.fixed.ids[0]]["findings"] == []


def test_the_summary_of_an_experiment_counts_modes_and_names_an_example(
    stored: StoredRuns,
) -> None:
    result = run_command(stored.uri, "diagnose", "--experiment", stored.experiment)
    assert "information withholding" in result.stdout
    assert "look at one: python -m scenarios diagnose tr-" in result.stdout


def test_an_unknown_experiment_exits_with_2_and_names_the_nearest(stored: StoredRuns) -> None:
    result = run_command(stored.uri, "diagnose", "--experiment", f"{stored.experiment}s")
    assert result.exit_code == 2
    assert f"did you mean {stored.experiment}?" in result.stderr
