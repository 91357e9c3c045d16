"""The monitor, pass by pass, on a store with a broken and a fixed run."""

from collections.abc import Iterator
from typing import Any

import mlflow
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from instrumentation.alerts.alert_rule import DEFAULT_ALERT_RULES
from instrumentation.export.trace_metrics import TraceMetrics
from instrumentation.trace import Trace
from scenarios.expectations import hands_off
from scenarios.monitoring.monitor import Monitor, is_sampled
from scenarios.player.run import run_scenario
from tests.support.cli_runner import run_command
from tests.support.new_store import new_store
from tests.support.webhook_server import run_webhook_server

pytestmark = pytest.mark.store

NAME = "summarizer_never_sees_the_draft"


class WatchedStore:
    """A store of its own with one broken and one fixed run."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        broken, fixed = run_scenario(NAME, uri).variants
        assert broken.trace
        assert fixed.trace
        self.broken: Trace = broken.trace
        self.fixed: Trace = fixed.trace

    def health(self, trace: Trace) -> list[Any]:
        """The values of the feedback "diagnosis" of a trace."""
        info = mlflow.MlflowClient(self.uri).get_trace(trace.ids[0]).info
        return [one.value for one in info.assessments if one.name == "diagnosis"]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedStore]:
    before = mlflow.get_tracking_uri()
    yield WatchedStore(new_store(tmp_path_factory.mktemp("watched")))
    mlflow.set_tracking_uri(before)


class MeasuredMonitor:
    """A monitor whose metrics are read in this process."""

    def __init__(self, uri: str, **options: Any) -> None:
        self._reader = InMemoryMetricReader()
        metrics = TraceMetrics(MeterProvider([self._reader]))
        self.monitor = Monitor(uri, DEFAULT_ALERT_RULES, metrics, with_scenarios=True, **options)

    def points(self, name: str) -> list[Any]:
        """The data points of a metric."""
        data = self._reader.get_metrics_data()
        metrics = [
            metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]
        return [point for one in metrics if one.name == name for point in one.data.data_points]


def test_a_trace_is_counted_in_one_pass_only(watched: WatchedStore) -> None:
    measured = MeasuredMonitor(watched.uri, sample=0.0)
    passes = [measured.monitor.run_pass() for _ in range(2)]
    assert [one.new_traces for one in passes] == [2, 0]
    assert [one.gate.report.traces for one in passes] == [2, 2]
    assert sum(point.value for point in measured.points("flight_recorder.traces")) == 2


def test_tokens_and_completions_are_those_of_the_traces(watched: WatchedStore) -> None:
    measured = MeasuredMonitor(watched.uri, sample=0.0)
    measured.monitor.run_pass()
    spans = [span for trace in (watched.broken, watched.fixed) for span in trace]
    completions = [span for span in spans if span.type == "LLM"]
    points = measured.points("gen_ai.client.token.usage")
    counted = {point.attributes["gen_ai.token.type"]: point.sum for point in points}
    assert counted == {
        "input": sum(span.tokens.input for span in completions),
        "output": sum(span.tokens.output for span in completions),
    }
    (duration,) = measured.points("gen_ai.client.operation.duration")
    assert duration.count == len(completions)
    assert 0 < duration.sum < 60
    assert duration.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "taped",
    }


def test_a_lost_handoff_lowers_its_score_and_fires_its_alert(watched: WatchedStore) -> None:
    measured = MeasuredMonitor(watched.uri, sample=0.0)
    assert measured.monitor.run_pass().firing == {"lost handoff"}
    scores = {
        (point.attributes["from_agent"], point.attributes["to_agent"]): point.min
        for point in measured.points("flight_recorder.handoff.efficiency_score")
    }
    assert scores["generator", "summarizer"] == 0.0
    assert scores["generator", "reviewer"] == 1.0
    alerts = measured.points("flight_recorder.alert.firing")
    assert {point.attributes["alert"] for point in alerts if point.value} == {"lost handoff"}


def test_a_sample_is_diagnosed_once_and_the_health_of_each_run_is_logged(
    watched: WatchedStore,
) -> None:
    options: dict[str, Any] = {"expectations": [hands_off("generator", "summarizer")]}
    first = MeasuredMonitor(watched.uri, **options)
    seen = first.monitor.run_pass()
    assert (seen.scored, seen.findings) == (2, ("information withholding",))
    assert len(seen.failed_expectations) == 1
    restarted = MeasuredMonitor(watched.uri, **options).monitor.run_pass()
    assert (restarted.new_traces, restarted.scored) == (2, 0)
    assert (watched.health(watched.broken), watched.health(watched.fixed)) == ([False], [True])
    (finding,) = first.points("flight_recorder.findings")
    assert finding.attributes == {"mode": "information withholding", "agent": "summarizer"}


def test_the_sample_has_the_requested_share_and_is_the_same_each_time() -> None:
    ids = [f"tr-{number}" for number in range(2_000)]
    tenth = {id for id in ids if is_sampled(id, 0.1)}
    assert 140 < len(tenth) < 260
    assert tenth < {id for id in ids if is_sampled(id, 0.5)}
    assert all(is_sampled(id, 1.0) for id in ids)
    assert not any(is_sampled(id, 0.0) for id in ids)


def test_one_pass_prints_what_it_saw_calls_the_webhook_and_exits_like_alerts(
    watched: WatchedStore,
) -> None:
    with run_webhook_server() as webhook:
        options = ("--once", "--scenarios", "--sample", "0", "--webhook", webhook.url)
        done = run_command(watched.uri, "monitor", *options)
    assert (done.exit_code, done.stderr) == (1, "")
    assert "2 new traces, 0 scored; ALERT FIRING: lost handoff" in done.stdout
    (payload,) = webhook.payloads
    assert payload["verdict"] == "alarm"


@pytest.mark.parametrize("text", ["5", "0m", "soon", "-1m", "9" * 30 + "w"])
def test_a_wrong_duration_is_named_with_examples(text: str) -> None:
    done = run_command("sqlite:///unused.db", "monitor", f"--every={text}")
    assert done.exit_code == 2
    assert "expected e.g. 30s, 5m, 1h, 2d" in " ".join(done.stderr.split())
