"""The alert gate: `python -m scenarios alerts` on a store with traces of scenarios."""

import json
import sqlite3
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest

from instrumentation.alerts.trace_window import PAGE_SIZE
from instrumentation.tracing import enable_tracing, record_run
from scenarios.monitoring.webhook import WebhookDeliveryError, post_webhook
from scenarios.player.run import run_scenario
from tests.support.cli_runner import CommandResult, run_command
from tests.support.new_store import new_store
from tests.support.servers import find_free_port, is_postgres_installed, postgres_database
from tests.support.webhook_server import run_webhook_server

pytestmark = pytest.mark.store

ALERTS_BY_SCENARIO = {
    "summarizer_is_rate_limited": {"failed runs", "failed completions"},
    "summarizer_never_sees_the_draft": {"lost handoff"},
    "tool_call_runs_away": {"failed runs", "loop"},
}
"""Scenarios, and the default alerts that must find the broken run of each."""


@dataclass(frozen=True)
class StoreWithRuns:
    """A store with runs of scenarios, and the IDs of their traces, by scenario and variant."""

    uri: str
    ids: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> StoreWithRuns:
    uri = new_store(tmp_path_factory.mktemp("runs"))
    ids = {}
    for name in ALERTS_BY_SCENARIO:
        results = run_scenario(name, uri).variants
        ids[name] = {one.variant: one.trace.ids[0] for one in results if one.trace}
    return StoreWithRuns(uri, ids)


def run_alerts(store: str, *arguments: str) -> CommandResult:
    return run_command(store, "alerts", "--scenarios", *arguments)


def rules_file(folder: Path, *lines: str) -> str:
    file = folder / "alerts.toml"
    file.write_text("\n".join(f"[[alert]]\n{line}" for line in lines), "utf-8")
    return str(file)


LOOP = 'name = "loop"\nmeasure = "repeats"\nat_most = '


def test_broken_runs_fire_alerts_and_healthy_ones_do_not(runs: StoreWithRuns) -> None:
    done = run_alerts(runs.uri, "--json")
    assert done.exit_code == 1, done.stderr
    result = json.loads(done.stdout)
    assert (result["verdict"], result["traces"]) == ("alarm", 7)
    assert result.keys() == {
        *("since", "verdict", "in_progress", "incomplete", "scenario_runs_left_out"),
        *("traces", "firing", "inconclusive", "alerts"),
    }
    first = result["alerts"][0]
    assert first.keys() == {
        *(
            "alert",
            "measure",
            "aggregate",
            "limit",
            "readings",
            "alarms",
            "findings",
            "not_evaluated_reason",
        ),
    }
    assert first["findings"][0].keys() == {"message", "measured", "trace_id", "span", "agent"}
    found = {a["alert"]: {f["trace_id"] for f in a["findings"]} for a in result["alerts"]}
    for rule in ("loop", "lost handoff"):
        broken = {
            runs.ids[name]["broken"] for name, due in ALERTS_BY_SCENARIO.items() if rule in due
        }
        assert found.pop(rule) == broken
    for rate in ("failed runs", "failed completions"):
        broken = {
            runs.ids[name]["broken"] for name, due in ALERTS_BY_SCENARIO.items() if rate in due
        }
        assert found.pop(rate) <= broken
    assert set().union(*found.values()) == set()


def test_runs_of_scenarios_are_left_out_by_default(runs: StoreWithRuns) -> None:
    done = run_command(runs.uri, "alerts")
    assert done.exit_code == 2, done.stdout
    assert "no finished trace since" in done.stdout
    assert "7 runs of scenarios left out (--scenarios evaluates them, too)" in done.stdout


def test_the_report_says_what_fired_where_and_on_how_many_traces(runs: StoreWithRuns) -> None:
    done = run_alerts(runs.uri)
    output = " ".join(done.stdout.split())
    trace = runs.ids["summarizer_never_sees_the_draft"]["broken"]
    assert (
        "✗ lost handoff: of the output of generator, 0% reached summarizer;"
        f" at least 50% is required [trace {trace}, span generator → summarizer, agent summarizer]"
    ) in output
    assert "ALERT FIRING: 7 finished traces since" in output
    assert "read 7 traces …" in done.stderr


def test_a_store_without_alerts_passes(runs: StoreWithRuns, tmp_path: Path) -> None:
    done = run_alerts(runs.uri, "--table", rules_file(tmp_path, f"{LOOP}10"))
    assert (done.exit_code, "no alerts: 7 finished traces" in done.stdout) == (0, True)


def test_a_window_without_traces_does_not_pass(runs: StoreWithRuns, tmp_path: Path) -> None:
    done = run_alerts(runs.uri, "--since", "0s", "--table", rules_file(tmp_path, f"{LOOP}10"))
    assert done.exit_code == 2
    assert "so nothing can be evaluated" in done.stdout


def test_a_rule_for_an_agent_that_never_ran_does_not_pass(
    runs: StoreWithRuns, tmp_path: Path
) -> None:
    options = rules_file(tmp_path, f'{LOOP}10\nagent = "sumarizer"')
    done = run_alerts(runs.uri, "--table", options)
    assert (done.exit_code, "no trace in the time window has a reading" in done.stdout) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--since", "yesteryear"), "'yesteryear' is not a time"),
        (("--since", "2999-01-01"), "is in the future"),
        (("--table", "no/such.toml"), "no/such.toml: cannot be read"),
        (("--webhook", "ftp://127.0.0.1/x"), "begins with http:// or https://"),
        (("--experiment", "flight-recoder"), "did you mean flight-recorder?"),
    ],
)
def test_invalid_options_are_reported(
    runs: StoreWithRuns, arguments: tuple[str, ...], sentence: str
) -> None:
    done = run_alerts(runs.uri, *arguments)
    assert (done.exit_code, sentence in " ".join(done.stderr.replace("│", "").split())) == (2, True)


def test_a_file_that_is_no_store_is_an_error_and_no_alert(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    file.write_bytes(b"SQLite format 3\x00" + b"x" * 5_000)
    done = run_alerts(f"sqlite:///{file}")
    assert (done.exit_code, "the store cannot be read: " in done.stderr) == (2, True), done.stderr


def test_a_failing_server_is_an_error_soon_and_no_alert() -> None:
    with run_webhook_server((500,)) as server:
        done = run_alerts(server.url.partition("/services")[0])
    assert (done.exit_code, "the store cannot be read: " in done.stderr) == (2, True), done.stderr


def test_a_webhook_receives_firing_alerts(runs: StoreWithRuns) -> None:
    with run_webhook_server() as webhook:
        done = run_alerts(runs.uri, "--webhook", webhook.url)
    assert done.exit_code == 1
    (payload,) = webhook.payloads
    trace = runs.ids["tool_call_runs_away"]["broken"]
    assert payload["text"].startswith("Flight recorder: alert firing, 7 finished traces since")
    assert f"[trace {trace}, span world_bank_indicator, agent specialist]" in payload["text"]
    assert [a["alert"] for a in payload["alerts"] if a["findings"]] == [
        "failed runs",
        "loop",
        "lost handoff",
    ]


def test_a_webhook_receives_that_nothing_was_evaluated(runs: StoreWithRuns) -> None:
    with run_webhook_server() as webhook:
        assert run_alerts(runs.uri, "--since", "0s", "--webhook", webhook.url).exit_code == 2
    assert [payload["verdict"] for payload in webhook.payloads] == ["not_evaluated"]


def test_a_webhook_receives_nothing_without_alerts(runs: StoreWithRuns, tmp_path: Path) -> None:
    with run_webhook_server() as webhook:
        options = ("--table", rules_file(tmp_path, f"{LOOP}10"), "--webhook", webhook.url)
        assert run_alerts(runs.uri, *options).exit_code == 0
    assert webhook.payloads == []


def test_a_missing_webhook_is_reported_without_its_secret(runs: StoreWithRuns) -> None:
    where = f"http://127.0.0.1:{find_free_port()}"
    done = run_alerts(runs.uri, "--webhook", f"{where}/services/T0/SECRETPATH")
    assert done.exit_code == 3
    assert f"delivery to the webhook at {where} failed: ConnectError" in done.stderr
    assert "SECRETPATH" not in done.stdout + done.stderr


def test_a_busy_webhook_is_called_again() -> None:
    with run_webhook_server((503, 429, 200)) as webhook:
        post_webhook(webhook.url, {"text": "once"}, retry_delays_s=(0, 0))
    assert webhook.payloads == [{"text": "once"}] * 3


@pytest.mark.parametrize(("status", "times"), [(503, 3), (404, 1), (302, 1)])
def test_a_refusing_webhook_is_called_a_limited_number_of_times(status: int, times: int) -> None:
    with (
        run_webhook_server((status,)) as webhook,
        pytest.raises(WebhookDeliveryError, match=f"HTTP {status}"),
    ):
        post_webhook(webhook.url, {}, retry_delays_s=(0, 0))
    assert len(webhook.payloads) == times


@pytest.mark.parametrize("host", ["a" * 70, ".", "\u2603.example", "127.0.0.1:1/\0"])
def test_an_invalid_webhook_address_is_reported_without_its_secret(host: str) -> None:
    with pytest.raises(WebhookDeliveryError, match="failed: invalid URL") as error:
        post_webhook(f"http://{host}/SECRETPATH", {}, retry_delays_s=())
    assert "SECRETPATH" not in str(error.value)


@pytest.fixture
def own_experiment(store: str, request: pytest.FixtureRequest) -> Generator[tuple[str, str]]:
    """The shared store, and a new experiment in it, with tracing on."""
    name = f"alerts {request.node.name}"
    with enable_tracing(store, experiment=name, frameworks=(), redaction=None):
        yield store, name
        mlflow.flush_trace_async_logging()


def test_secrets_in_errors_do_not_reach_the_webhook(own_experiment: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="refused"), mlflow.start_span("review"):
        raise ValueError("refused: Bearer sk-abcdefghijklmnopqrstuvwxyz123456 of a@example.com")
    mlflow.flush_trace_async_logging()
    with run_webhook_server() as webhook:
        assert (
            run_alerts(
                own_experiment[0], "--experiment", own_experiment[1], "--webhook", webhook.url
            ).exit_code
            == 1
        )
    sent = json.dumps(webhook.payloads)
    assert "review failed: ValueError: refused: " in sent
    assert "sk-abc" not in sent
    assert "example.com" not in sent


def test_a_span_name_mentions_nobody_in_a_chat(own_experiment: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="no"), mlflow.start_span("<!channel>\x1b[2J"):
        raise ValueError("no")
    mlflow.flush_trace_async_logging()
    with run_webhook_server() as webhook:
        run_alerts(own_experiment[0], "--experiment", own_experiment[1], "--webhook", webhook.url)
    assert "&lt;!channel&gt;�[2J failed" in webhook.payloads[0]["text"]


def test_a_known_price_is_compared_with_the_threshold(
    own_experiment: tuple[str, str], tmp_path: Path
) -> None:
    with mlflow.start_span("review"), mlflow.start_span("create", span_type="LLM") as span:
        span.set_attribute("mlflow.llm.model", "gpt-4o-mini")
        used = {"input_tokens": 1_000_000, "output_tokens": 0, "total_tokens": 1_000_000}
        span.set_attribute("mlflow.chat.tokenUsage", used)
    mlflow.flush_trace_async_logging()
    options = rules_file(tmp_path, 'name = "cost"\nmeasure = "cost_usd"\nat_most = 0.1')
    done = run_alerts(own_experiment[0], "--experiment", own_experiment[1], "--table", options)
    assert (done.exit_code, "review cost $0.1500; at most $0.1000 is allowed" in done.stdout) == (
        1,
        True,
    )


def test_a_rule_may_apply_to_traces_with_a_tag(
    own_experiment: tuple[str, str], tmp_path: Path
) -> None:
    for environment, error in (("prod", ""), ("test", "no")):
        with record_run({"environment": environment}), mlflow.start_span("review") as span:
            if error:
                span.set_status("ERROR")
    mlflow.flush_trace_async_logging()
    for environment, code in (("prod", 0), ("test", 1)):
        alert = (
            f'name = "f"\nmeasure = "failed"\nat_most = 0\ntags = {{environment="{environment}"}}'
        )
        options = ("--experiment", own_experiment[1], "--table", rules_file(tmp_path, alert))
        assert run_alerts(own_experiment[0], *options).exit_code == code


def test_each_trace_of_several_pages_is_read_once(own_experiment: tuple[str, str]) -> None:
    for _ in range(PAGE_SIZE + 10):
        with mlflow.start_span("review"):
            pass
    mlflow.flush_trace_async_logging()
    done = run_alerts(own_experiment[0], "--experiment", own_experiment[1], "--json")
    result = json.loads(done.stdout)
    assert (done.exit_code, result["traces"], result["alerts"][0]["readings"]) == (
        0,
        PAGE_SIZE + 10,
        PAGE_SIZE + 10,
    )


def test_a_trace_with_missing_spans_does_not_pass(own_experiment: tuple[str, str]) -> None:
    for _ in range(2):
        with mlflow.start_span("review"), mlflow.start_span("inside"):
            pass
    mlflow.flush_trace_async_logging()
    (incomplete, _) = mlflow.search_traces(return_type="list")
    with sqlite3.connect(own_experiment[0].removeprefix("sqlite:///")) as database:
        lost = (incomplete.info.trace_id,)
        database.execute("DELETE FROM spans WHERE trace_id = ? AND name = 'inside'", lost)
        past = "UPDATE trace_info SET timestamp_ms = timestamp_ms - 120000 WHERE request_id = ?"
        database.execute(past, lost)
    database.close()
    done = run_alerts(own_experiment[0], "--experiment", own_experiment[1])
    assert done.exit_code == 2
    assert f"1 trace with missing spans: {incomplete.info.trace_id}" in done.stdout


@pytest.mark.parametrize(
    ("age_minutes", "exit_code", "sentence"),
    [
        (1, 2, "no finished trace since"),
        (30, 1, "✗ failed runs: failed: the share of 1 readings is 100%"),
    ],
)
def test_a_trace_that_never_ended_fires_once_it_is_no_longer_running(
    age_minutes: int, exit_code: int, sentence: str, own_experiment: tuple[str, str]
) -> None:
    started_ns = time.time_ns() - age_minutes * 60_000_000_000
    root = mlflow.start_span_no_context("review", start_time_ns=started_ns)
    inside = mlflow.start_span_no_context("writer", parent_span=root, start_time_ns=started_ns)
    inside.end(end_time_ns=started_ns + 1_000_000)
    mlflow.flush_trace_async_logging()
    done = run_alerts(own_experiment[0], "--experiment", own_experiment[1])
    assert (done.exit_code, sentence in " ".join(done.stdout.split())) == (exit_code, True)
    assert ("1 still running" in done.stdout) == (age_minutes == 1)


@pytest.mark.long
@pytest.mark.postgres
def test_postgresql_works_like_sqlite() -> None:
    if not is_postgres_installed():
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    with postgres_database() as uri:
        verdict = run_scenario("tool_call_runs_away", uri)
        broken = next(
            one.trace for one in verdict.variants if one.variant == "broken" and one.trace
        )
        result = json.loads(run_alerts(uri, "--json").stdout)
        found = {a["alert"]: [f["trace_id"] for f in a["findings"]] for a in result["alerts"]}
        assert found["loop"] == [broken.ids[0]]
        search = run_command(uri, "search", "tool", "world_bank_indicator", "--json")
        assert len(json.loads(search.stdout)["traces"]) == 3
