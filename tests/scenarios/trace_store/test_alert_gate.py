"""The gate: `python -m scenarios alerts` over a store in which scenarios were played."""

import json
import sqlite3
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest

from instrumentation.alerts.trace_window import PAGE_SIZE
from instrumentation.tracing import enable_tracing, record_run
from scenarios.cli.webhook import WebhookDeliveryError, post_webhook
from scenarios.player.run import run_scenario
from tests.support.cli_runner import CommandResult, run_command
from tests.support.servers import find_free_port, is_postgres_installed, postgres_database
from tests.support.webhook_server import run_webhook_server

PLAYED = {
    "summarizer_is_rate_limited": {"failed runs", "failed completions"},
    "summarizer_never_sees_the_draft": {"lost handoff"},
    "tool_call_runs_away": {"failed runs", "loop"},
}
"""Scenarios, and which alerts of the house are to name the broken run of each."""


@dataclass(frozen=True)
class Watched:
    """A store with some scenarios in it: the ids of their traces, by scenario and variant."""

    uri: str
    ids: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    uri = f"sqlite:///{tmp_path_factory.mktemp('watched') / 'mlflow.db'}"
    ids = {}
    for name in PLAYED:
        seen = run_scenario(name, uri).variants
        ids[name] = {one.variant: one.trace.ids[0] for one in seen if one.trace}
    return Watched(uri, ids)


def gate(store: str, *arguments: str) -> CommandResult:
    return run_command(store, "alerts", *arguments)


def table(folder: Path, *lines: str) -> str:
    file = folder / "alerts.toml"
    file.write_text("\n".join(f"[[alert]]\n{line}" for line in lines), "utf-8")
    return str(file)


LOOP = 'name = "loop"\nmeasure = "repeats"\nat_most = '


def test_the_broken_runs_of_a_store_alarm_and_the_healthy_do_not(watched: Watched) -> None:
    done = gate(watched.uri, "--json")
    assert done.exit_code == 1, done.stderr
    told = json.loads(done.stdout)
    assert (told["verdict"], told["traces"]) == ("alarm", 7)
    found = {a["alert"]: {f["trace_id"] for f in a["findings"]} for a in told["alerts"]}
    for each in ("loop", "lost handoff"):
        broken = {watched.ids[name]["broken"] for name, due in PLAYED.items() if each in due}
        assert found.pop(each) == broken
    for rate in ("failed runs", "failed completions"):
        broken = {watched.ids[name]["broken"] for name, due in PLAYED.items() if rate in due}
        assert found.pop(rate) <= broken
    assert set().union(*found.values()) == set()


def test_a_person_reads_what_where_and_how_much(watched: Watched) -> None:
    done = gate(watched.uri)
    told = " ".join(done.stdout.split())
    trace = watched.ids["summarizer_never_sees_the_draft"]["broken"]
    assert (
        "✗ lost handoff: of what generator handed to summarizer, 0% arrived;"
        f" at least 50% is required [trace {trace}, span generator → summarizer, agent summarizer]"
    ) in told
    assert "ALARM: 7 finished traces since" in told
    assert "read 7 traces …" in done.stderr


def test_a_quiet_store_passes(watched: Watched, tmp_path: Path) -> None:
    done = gate(watched.uri, "--table", table(tmp_path, f"{LOOP}10"))
    assert (done.exit_code, "quiet: 7 finished traces" in done.stdout) == (0, True)


def test_a_window_without_a_trace_does_not_pass(watched: Watched, tmp_path: Path) -> None:
    done = gate(watched.uri, "--since", "0s", "--table", table(tmp_path, f"{LOOP}10"))
    assert done.exit_code == 2
    assert "for want of one, nothing is judged to be well" in done.stdout


def test_an_alert_whose_agent_never_came_does_not_pass(watched: Watched, tmp_path: Path) -> None:
    asked = table(tmp_path, f'{LOOP}10\nagent = "sumarizer"')
    done = gate(watched.uri, "--table", asked)
    assert (done.exit_code, "no trace of the window has a reading" in done.stdout) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--since", "yesteryear"), "'yesteryear' names no moment"),
        (("--since", "2999-01-01"), "is still to come"),
        (("--table", "no/such.toml"), "no/such.toml: cannot be read"),
        (("--webhook", "ftp://127.0.0.1/x"), "begins with http:// or https://"),
        (("--experiment", "flight-recoder"), "nearest: flight-recorder"),
    ],
)
def test_what_cannot_be_asked_is_said(
    watched: Watched, arguments: tuple[str, ...], sentence: str
) -> None:
    done = gate(watched.uri, *arguments)
    assert (done.exit_code, sentence in " ".join(done.stderr.replace("│", "").split())) == (2, True)


def test_a_store_that_is_none_is_no_alarm(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    file.write_bytes(b"SQLite format 3\x00" + b"x" * 5_000)
    done = gate(f"sqlite:///{file}")
    assert (done.exit_code, "the store cannot be read: " in done.stderr) == (2, True), done.stderr


def test_a_server_that_fails_is_no_alarm_and_is_not_waited_for_long() -> None:
    with run_webhook_server((500,)) as server:
        done = gate(server.url.partition("/services")[0])
    assert (done.exit_code, "the store cannot be read: " in done.stderr) == (2, True), done.stderr


def test_a_webhook_is_told_of_an_alarm(watched: Watched) -> None:
    with run_webhook_server() as told:
        done = gate(watched.uri, "--webhook", told.url)
    assert done.exit_code == 1
    (payload,) = told.payloads
    trace = watched.ids["tool_call_runs_away"]["broken"]
    assert payload["text"].startswith("Flight recorder: alarm, 7 finished traces since")
    assert f"[trace {trace}, span world_bank_indicator, agent specialist]" in payload["text"]
    assert [a["alert"] for a in payload["alerts"] if a["findings"]] == [
        "failed runs",
        "loop",
        "lost handoff",
    ]


def test_a_webhook_is_told_that_nothing_could_be_judged(watched: Watched) -> None:
    with run_webhook_server() as told:
        assert gate(watched.uri, "--since", "0s", "--webhook", told.url).exit_code == 2
    assert [payload["verdict"] for payload in told.payloads] == ["blind"]


def test_a_webhook_is_left_alone_where_all_is_quiet(watched: Watched, tmp_path: Path) -> None:
    with run_webhook_server() as told:
        asked = ("--table", table(tmp_path, f"{LOOP}10"), "--webhook", told.url)
        assert gate(watched.uri, *asked).exit_code == 0
    assert told.payloads == []


def test_a_webhook_that_is_not_there_is_said_without_its_secret(watched: Watched) -> None:
    where = f"http://127.0.0.1:{find_free_port()}"
    done = gate(watched.uri, "--webhook", f"{where}/services/T0/SECRETPATH")
    assert done.exit_code == 3
    assert f"the webhook at {where} was not told: ConnectError" in done.stderr
    assert "SECRETPATH" not in done.stdout + done.stderr


def test_a_webhook_that_is_busy_is_told_again() -> None:
    with run_webhook_server((503, 429, 200)) as told:
        post_webhook(told.url, {"text": "once"}, retry_delays_s=(0, 0))
    assert told.payloads == [{"text": "once"}] * 3


@pytest.mark.parametrize(("status", "times"), [(503, 3), (404, 1), (302, 1)])
def test_a_webhook_that_refuses_is_told_so_often_and_no_more(status: int, times: int) -> None:
    with (
        run_webhook_server((status,)) as told,
        pytest.raises(WebhookDeliveryError, match=f"HTTP {status}"),
    ):
        post_webhook(told.url, {}, retry_delays_s=(0, 0))
    assert len(told.payloads) == times


@pytest.mark.parametrize("host", ["a" * 70, ".", "\u2603.example", "127.0.0.1:1/\0"])
def test_a_webhook_whose_address_is_none_is_said_without_its_secret(host: str) -> None:
    with pytest.raises(WebhookDeliveryError, match="was not told: no address") as said:
        post_webhook(f"http://{host}/SECRETPATH", {}, retry_delays_s=())
    assert "SECRETPATH" not in str(said.value)


@pytest.fixture
def own(store: str, request: pytest.FixtureRequest) -> Generator[tuple[str, str]]:
    """The shared store, and an experiment of the test's own, in which it is recorded."""
    name = f"watched {request.node.name}"
    with enable_tracing(store, experiment=name, frameworks=(), redaction=None):
        yield store, name
        mlflow.flush_trace_async_logging()


def test_no_secret_of_an_error_reaches_the_webhook(own: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="refused"), mlflow.start_span("review"):
        raise ValueError("refused: Bearer sk-abcdefghijklmnopqrstuvwxyz123456 of a@example.com")
    mlflow.flush_trace_async_logging()
    with run_webhook_server() as told:
        assert gate(own[0], "--experiment", own[1], "--webhook", told.url).exit_code == 1
    sent = json.dumps(told.payloads)
    assert "review failed: ValueError: refused: " in sent
    assert "sk-abc" not in sent
    assert "example.com" not in sent


def test_a_name_calls_nobody_in_a_chat(own: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="no"), mlflow.start_span("<!channel>\x1b[2J"):
        raise ValueError("no")
    mlflow.flush_trace_async_logging()
    with run_webhook_server() as told:
        gate(own[0], "--experiment", own[1], "--webhook", told.url)
    assert "&lt;!channel&gt;�[2J failed" in told.payloads[0]["text"]


def test_a_price_that_mlflow_knows_is_held_against_the_threshold(
    own: tuple[str, str], tmp_path: Path
) -> None:
    with mlflow.start_span("review"), mlflow.start_span("create", span_type="LLM") as span:
        span.set_attribute("mlflow.llm.model", "gpt-4o-mini")
        used = {"input_tokens": 1_000_000, "output_tokens": 0, "total_tokens": 1_000_000}
        span.set_attribute("mlflow.chat.tokenUsage", used)
    mlflow.flush_trace_async_logging()
    asked = table(tmp_path, 'name = "cost"\nmeasure = "cost_usd"\nat_most = 0.1')
    done = gate(own[0], "--experiment", own[1], "--table", asked)
    assert (done.exit_code, "review cost $0.1500; at most $0.1000 is allowed" in done.stdout) == (
        1,
        True,
    )


def test_an_alert_may_be_about_a_tag_alone(own: tuple[str, str], tmp_path: Path) -> None:
    for environment, error in (("prod", ""), ("test", "no")):
        with record_run({"environment": environment}), mlflow.start_span("review") as span:
            if error:
                span.set_status("ERROR")
    mlflow.flush_trace_async_logging()
    for environment, code in (("prod", 0), ("test", 1)):
        alert = (
            f'name = "f"\nmeasure = "failed"\nat_most = 0\ntags = {{environment="{environment}"}}'
        )
        asked = ("--experiment", own[1], "--table", table(tmp_path, alert))
        assert gate(own[0], *asked).exit_code == code


def test_more_traces_than_a_page_are_each_read_once(own: tuple[str, str]) -> None:
    for _ in range(PAGE_SIZE + 10):
        with mlflow.start_span("review"):
            pass
    mlflow.flush_trace_async_logging()
    done = gate(own[0], "--experiment", own[1], "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["traces"], told["alerts"][0]["readings"]) == (
        0,
        PAGE_SIZE + 10,
        PAGE_SIZE + 10,
    )


def test_a_trace_whose_spans_are_lost_lets_nothing_pass(own: tuple[str, str]) -> None:
    for _ in range(2):
        with mlflow.start_span("review"), mlflow.start_span("inside"):
            pass
    mlflow.flush_trace_async_logging()
    (torn, _) = mlflow.search_traces(return_type="list")
    with sqlite3.connect(own[0].removeprefix("sqlite:///")) as database:
        lost = (torn.info.trace_id,)
        database.execute("DELETE FROM spans WHERE trace_id = ? AND name = 'inside'", lost)
        past = "UPDATE trace_info SET timestamp_ms = timestamp_ms - 120000 WHERE request_id = ?"
        database.execute(past, lost)
    database.close()
    done = gate(own[0], "--experiment", own[1])
    assert done.exit_code == 2
    assert f"of 1 the spans are not all in the store: {torn.info.trace_id}" in done.stdout


@pytest.mark.postgres
def test_postgresql_is_watched_alike() -> None:
    if not is_postgres_installed():
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    with postgres_database() as uri:
        seen = run_scenario("tool_call_runs_away", uri)
        broken = next(one.trace for one in seen.variants if one.variant == "broken" and one.trace)
        told = json.loads(gate(uri, "--json").stdout)
        found = {a["alert"]: [f["trace_id"] for f in a["findings"]] for a in told["alerts"]}
        assert found["loop"] == [broken.ids[0]]
        searched = run_command(uri, "search", "tool", "world_bank_indicator", "--json")
        assert len(json.loads(searched.stdout)["traces"]) == 3
