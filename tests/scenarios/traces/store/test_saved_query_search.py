"""Saved queries: each finds its traces, also by hostile names, and prints its MLflow call."""

import ast
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import mlflow
import pytest

from instrumentation.tracing import enable_tracing
from scenarios.traces.store.saved_queries import QUERIES
from scenarios.traces.store.sqlite_statistics import update_statistics
from tests.support.cli_runner import CommandResult, run_command

EXPERIMENT = "searched"
HOSTILE = (
    "o'brien",
    'say "hi"',
    "both ' and \"",
    "100%",
    "a_b",
    "back\\slash",
    "back`tick",
    "x' OR trace.status = 'OK",
    'span.name = "x" AND -- ;',
    "{name}",
    "new\nline",
    "é → 日本",
    " blank ",
    "--since",
)


@pytest.fixture(scope="module")
def searched(store: str) -> str:
    """A store with six runs of two workflows in an experiment of its own, and one for each of the
    hostile names."""
    with enable_tracing(store, experiment=EXPERIMENT, frameworks=(), redaction=None):
        for workflow, agent, tokens in (("review", "clerk", 10), ("briefing", "lead", 3_000)):
            for outcome in ("ok", "tool failed", "failed"):
                record_run(workflow, agent, tokens, outcome)
        for name in HOSTILE:
            with mlflow.tracing.context(session_id=name), mlflow.start_span(name):
                for type in ("AGENT", "TOOL"):
                    with mlflow.start_span(name, span_type=type):
                        pass
        mlflow.flush_trace_async_logging()
    return store


def record_run(workflow: str, agent: str, tokens: int, outcome: str) -> None:
    """Record a run with an agent, a tool and a completion; the outcome says what fails."""
    with mlflow.start_span(workflow) as root, mlflow.start_span(agent, span_type="AGENT"):
        with mlflow.start_span(f"{agent}'s lookup", span_type="TOOL") as call:
            call.set_inputs({"city": 'Quito "the city of éternal spring"'})
            if outcome != "ok":
                call.set_status("ERROR")
        with mlflow.start_span("create", span_type="LLM") as completion:
            completion.set_attribute("mlflow.llm.model", "gpt-4o-mini")
            usage = {"input_tokens": tokens, "output_tokens": 0, "total_tokens": tokens}
            completion.set_attribute("mlflow.chat.tokenUsage", usage)
        if outcome == "failed":
            root.set_status("ERROR")


def search(store: str, *arguments: str) -> CommandResult:
    return run_command(store, "search", "--experiment", EXPERIMENT, *arguments)


def found(store: str, *arguments: str) -> list[dict[str, Any]]:
    done = search(store, "--json", *arguments)
    assert done.exit_code == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)["traces"]
    return rows


def test_failed_runs_are_found_with_their_first_error(searched: str) -> None:
    rows = found(searched, "failed")
    assert [(row["workflow"], row["status"]) for row in rows] == [
        ("briefing", "ERROR"),
        ("review", "ERROR"),
    ]
    assert [row["first_error"] for row in rows] == [
        "lead's lookup: no message",
        "clerk's lookup: no message",
    ]


def test_failed_tools_are_found_in_successful_runs_too(searched: str) -> None:
    rows = found(searched, "tool-errors")
    assert sorted((row["workflow"], row["status"]) for row in rows) == [
        ("briefing", "ERROR"),
        ("briefing", "OK"),
        ("review", "ERROR"),
        ("review", "OK"),
    ]


@pytest.mark.parametrize("query", ["large", "costly"])
def test_the_largest_and_the_most_expensive_come_first(searched: str, query: str) -> None:
    rows = found(searched, query, "--limit", "4")
    assert [row["tokens"] for row in rows] == [3_000, 3_000, 3_000, 10]
    assert [row["cost_usd"] for row in rows] == pytest.approx([4.5e-4] * 3 + [1.5e-6])


def test_slow_runs_come_slowest_first(searched: str) -> None:
    rows = found(searched, "slow", "0", "--limit", "5")
    took = [row["latency_ms"] for row in rows]
    assert len(took) == 5
    assert took == sorted(took, reverse=True)
    assert found(searched, "slow", "3600") == []


def test_an_agent_a_tool_and_a_workflow_are_found_by_name(searched: str) -> None:
    for arguments in (("agent", "clerk"), ("tool", "clerk's lookup"), ("workflow", "review")):
        assert [row["workflow"] for row in found(searched, *arguments)] == ["review"] * 3


def test_a_text_is_found_however_json_escapes_it(searched: str) -> None:
    rows = found(searched, "text", 'Quito "the CITY of éternal')
    assert len(rows) == 6


@pytest.mark.parametrize("query", ["agent", "tool", "workflow", "session"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_finds_only_its_own_run(searched: str, query: str, name: str) -> None:
    assert [row["workflow"] for row in found(searched, query, "--", name)] == [name]


def test_the_printed_call_finds_the_same_traces(searched: str) -> None:
    done = search(searched, "agent", "clerk")
    call = ast.parse(done.stderr.strip(), mode="eval").body
    assert isinstance(call, ast.Call)
    arguments = {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
    assert ast.unparse(call.func) == "mlflow.search_traces"
    mlflow.set_tracking_uri(searched)
    traces = mlflow.search_traces(**arguments, return_type="list")
    assert [trace.info.trace_id for trace in traces] == [
        row["id"] for row in found(searched, "agent", "clerk")
    ]


def test_the_table_has_one_line_per_trace(searched: str) -> None:
    head, *lines = search(searched, "workflow", "briefing").stdout.splitlines()
    assert head.split() == [
        "when",
        "trace",
        "workflow",
        "ms",
        "tokens",
        "$",
        "status",
        "first",
        "error",
    ]
    assert len(lines) == 3
    assert all(" briefing " in line and " 3,000 " in line and " 0.0004 " in line for line in lines)


def test_a_name_cannot_move_the_cursor(searched: str) -> None:
    assert "new�line" in search(searched, "agent", "new\nline").stdout


def test_an_empty_result_is_reported(searched: str) -> None:
    assert "no such trace since" in search(searched, "agent", "nobody").stdout


@pytest.mark.parametrize(
    ("query", "misspelt", "meant"),
    [
        ("agent", "clerc", "clerk"),
        ("tool", "leads lookup", "lead's lookup"),
        ("workflow", "breifing", "briefing"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(
    searched: str, query: str, misspelt: str, meant: str
) -> None:
    assert f"did you mean {meant}?" in search(searched, query, misspelt).stdout


def test_a_name_like_no_other_lists_the_known_ones(searched: str) -> None:
    assert "agents found: " in search(searched, "agent", "zzz").stdout


def test_an_empty_window_reports_when_the_newest_trace_started(searched: str) -> None:
    output = " ".join(search(searched, "agent", "clerk", "--since", "0s").stdout.split())
    assert "the newest one started at 20" in output


def test_a_trace_with_missing_spans_is_not_waited_for(store: str) -> None:
    with enable_tracing(store, experiment="incomplete", frameworks=(), redaction=None):
        with mlflow.start_span("review"), mlflow.start_span("inside"):
            pass
        mlflow.flush_trace_async_logging()
        (incomplete,) = mlflow.search_traces(return_type="list")
    with closing(sqlite3.connect(store.removeprefix("sqlite:///"))) as database, database:
        lost = "DELETE FROM spans WHERE trace_id = ? AND name = 'inside'"
        database.execute(lost, (incomplete.info.trace_id,))
    started_s = time.monotonic()
    done = run_command(store, "search", "all", "--experiment", "incomplete")
    assert "some of its spans are missing in the store" in " ".join(done.stdout.split())
    assert time.monotonic() - started_s < 3.0


def test_the_limit_keeps_the_newest_traces(searched: str) -> None:
    every = [row["id"] for row in found(searched, "all", "--limit", "100")]
    assert len(every) == 6 + len(HOSTILE)
    assert [row["id"] for row in found(searched, "all", "--limit", "3")] == every[:3]


def test_without_a_query_all_queries_are_listed() -> None:
    listed = run_command("sqlite:///unused.db", "search")
    assert listed.exit_code == 0
    assert all(query.name in listed.stdout for query in QUERIES)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("sloww",), "did you mean slow?"),
        (("agent",), "agent takes a NAME"),
        (("failed", "x"), "failed takes no value; got 'x'"),
        (("slow", "soon"), "SECONDS must be a number, e.g. 10 or 0.5; got 'soon'"),
        (("slow", "inf"), "SECONDS must be a number"),
        (("failed", "--since", "soon"), "'soon' is not a time"),
    ],
)
def test_invalid_queries_are_reported(arguments: tuple[str, ...], sentence: str) -> None:
    done = run_command("sqlite:///unused.db", "search", *arguments)
    assert (done.exit_code, sentence in done.stderr) == (2, True), done.stderr


@pytest.mark.long
def test_a_search_updates_the_statistics_of_sqlite(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"  # a new store: the shared one may have statistics already
    with enable_tracing(f"sqlite:///{file}", experiment=EXPERIMENT, frameworks=(), redaction=None):
        for _ in range(12):
            record_run("review", "clerk", 10, "ok")
        mlflow.flush_trace_async_logging()
    assert search(f"sqlite:///{file}", "agent", "clerk").exit_code == 0
    database = sqlite3.connect(file)
    query = "SELECT 1 FROM spans WHERE trace_id = 't' AND experiment_id = 1 AND type = 'AGENT'"
    (plan,) = database.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
    database.close()
    assert "trace_id=?" in plan[-1]


def test_updating_statistics_creates_no_store(tmp_path: Path) -> None:
    there, absent = tmp_path / "there.db", tmp_path / "absent" / "none.db"
    with closing(sqlite3.connect(there)) as database, database:
        database.executescript("CREATE TABLE t (a); INSERT INTO t VALUES (1);")
    for file in (there, absent):
        update_statistics(f"sqlite:///{file}")
    with closing(sqlite3.connect(there)) as database:
        assert database.execute("SELECT tbl FROM sqlite_stat1").fetchall() == [("t",)]
    assert not absent.parent.exists()


def test_a_locked_store_is_still_searched(searched: str) -> None:
    writer = sqlite3.connect(searched.removeprefix("sqlite:///"), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        assert not update_statistics(searched)
        assert len(found(searched, "agent", "clerk")) == 3
    finally:
        writer.close()
