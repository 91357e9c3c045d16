"""Saved searches: each finds what it says, of names that are hostile too, and shows how it asks."""

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
from scenarios.trace_store.saved_queries import QUERIES
from scenarios.trace_store.sqlite_statistics import main, update_statistics
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
        for workflow, agent, spent in (("review", "clerk", 10), ("briefing", "lead", 3_000)):
            for way in ("well", "tool failed", "failed"):
                one(workflow, agent, spent, way)
        for name in HOSTILE:
            with mlflow.tracing.context(session_id=name), mlflow.start_span(name):
                for type in ("AGENT", "TOOL"):
                    with mlflow.start_span(name, span_type=type):
                        pass
        mlflow.flush_trace_async_logging()
    return store


def one(workflow: str, agent: str, spent: int, way: str) -> None:
    """A run with an agent, a tool and a completion, that went well or another way."""
    with mlflow.start_span(workflow) as root, mlflow.start_span(agent, span_type="AGENT"):
        with mlflow.start_span(f"{agent}'s lookup", span_type="TOOL") as call:
            call.set_inputs({"city": 'Quito "the city of éternal spring"'})
            if way != "well":
                call.set_status("ERROR")
        with mlflow.start_span("create", span_type="LLM") as asked:
            asked.set_attribute("mlflow.llm.model", "gpt-4o-mini")
            used = {"input_tokens": spent, "output_tokens": 0, "total_tokens": spent}
            asked.set_attribute("mlflow.chat.tokenUsage", used)
        if way == "failed":
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


def test_failed_tools_are_found_in_runs_that_went_well_too(searched: str) -> None:
    rows = found(searched, "tool-errors")
    assert sorted((row["workflow"], row["status"]) for row in rows) == [
        ("briefing", "ERROR"),
        ("briefing", "OK"),
        ("review", "ERROR"),
        ("review", "OK"),
    ]


@pytest.mark.parametrize("query", ["large", "costly"])
def test_the_largest_and_the_dearest_come_first(searched: str, query: str) -> None:
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


def test_a_text_is_found_however_json_spells_it(searched: str) -> None:
    rows = found(searched, "text", 'Quito "the CITY of éternal')
    assert len(rows) == 6


@pytest.mark.parametrize("query", ["agent", "tool", "workflow", "session"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_finds_its_own_run_and_no_other(
    searched: str, query: str, name: str
) -> None:
    assert [row["workflow"] for row in found(searched, query, "--", name)] == [name]


def test_what_is_shown_can_be_pasted_and_finds_the_same(searched: str) -> None:
    done = search(searched, "agent", "clerk")
    call = ast.parse(done.stderr.strip(), mode="eval").body
    assert isinstance(call, ast.Call)
    asked = {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
    assert ast.unparse(call.func) == "mlflow.search_traces"
    mlflow.set_tracking_uri(searched)
    traces = mlflow.search_traces(**asked, return_type="list")
    assert [trace.info.trace_id for trace in traces] == [
        row["id"] for row in found(searched, "agent", "clerk")
    ]


def test_a_person_reads_a_line_a_trace(searched: str) -> None:
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


def test_nothing_found_is_said(searched: str) -> None:
    assert "no such trace since" in search(searched, "agent", "nobody").stdout


@pytest.mark.parametrize(
    ("query", "amiss", "meant"),
    [
        ("agent", "clerc", "clerk"),
        ("tool", "leads lookup", "lead's lookup"),
        ("workflow", "breifing", "briefing"),
    ],
)
def test_a_name_that_nobody_has_brings_the_nearest(
    searched: str, query: str, amiss: str, meant: str
) -> None:
    assert f"did you mean {meant}?" in search(searched, query, amiss).stdout


def test_a_name_like_no_other_brings_those_there_are(searched: str) -> None:
    assert "agents there: " in search(searched, "agent", "zzz").stdout


def test_a_window_that_is_empty_says_when_the_newest_trace_began(searched: str) -> None:
    told = " ".join(search(searched, "agent", "clerk", "--since", "0s").stdout.split())
    assert "nor any other; the newest began at 20" in told


def test_a_trace_whose_spans_are_not_all_there_is_not_waited_for(store: str) -> None:
    with enable_tracing(store, experiment="torn", frameworks=(), redaction=None):
        with mlflow.start_span("review"), mlflow.start_span("inside"):
            pass
        mlflow.flush_trace_async_logging()
        (torn,) = mlflow.search_traces(return_type="list")
    with closing(sqlite3.connect(store.removeprefix("sqlite:///"))) as database, database:
        lost = "DELETE FROM spans WHERE trace_id = ? AND name = 'inside'"
        database.execute(lost, (torn.info.trace_id,))
    began = time.monotonic()
    done = run_command(store, "search", "all", "--experiment", "torn")
    assert "its spans are not all in the store" in " ".join(done.stdout.split())
    assert time.monotonic() - began < 3.0


def test_the_limit_keeps_the_newest(searched: str) -> None:
    every = [row["id"] for row in found(searched, "all", "--limit", "100")]
    assert len(every) == 6 + len(HOSTILE)
    assert [row["id"] for row in found(searched, "all", "--limit", "3")] == every[:3]


def test_without_a_query_they_are_listed() -> None:
    listed = run_command("sqlite:///unused.db", "search")
    assert listed.exit_code == 0
    assert all(query.name in listed.stdout for query in QUERIES)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("sloww",), "did you mean slow?"),
        (("agent",), "agent takes a NAME"),
        (("failed", "x"), "failed takes no word more; not 'x'"),
        (("slow", "soon"), "SECONDS are a number, as 10 or 0.5; not 'soon'"),
        (("slow", "inf"), "SECONDS are a number"),
        (("failed", "--since", "soon"), "'soon' names no moment"),
    ],
)
def test_what_cannot_be_asked_is_said(arguments: tuple[str, ...], sentence: str) -> None:
    done = run_command("sqlite:///unused.db", "search", *arguments)
    assert (done.exit_code, sentence in done.stderr) == (2, True), done.stderr


def test_a_search_has_sqlite_count_what_finds_spans_by_their_trace(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"  # of its own: what is counted in others is theirs
    with enable_tracing(f"sqlite:///{file}", experiment=EXPERIMENT, frameworks=(), redaction=None):
        for _ in range(12):
            one("review", "clerk", 10, "well")
        mlflow.flush_trace_async_logging()
    assert search(f"sqlite:///{file}", "agent", "clerk").exit_code == 0
    database = sqlite3.connect(file)
    asked = "SELECT 1 FROM spans WHERE trace_id = 't' AND experiment_id = 1 AND type = 'AGENT'"
    (plan,) = database.execute(f"EXPLAIN QUERY PLAN {asked}").fetchall()
    database.close()
    assert "trace_id=?" in plan[-1]


def test_the_door_of_the_ui_counts_a_store_and_makes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, absent = tmp_path / "there.db", tmp_path / "absent" / "none.db"
    with closing(sqlite3.connect(there)) as database, database:
        database.executescript("CREATE TABLE t (a); INSERT INTO t VALUES (1);")
    for file in (there, absent):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
        main()
    with closing(sqlite3.connect(there)) as database:
        assert database.execute("SELECT tbl FROM sqlite_stat1").fetchall() == [("t",)]
    assert not absent.parent.exists()


def test_a_store_that_is_being_written_is_searched_all_the_same(searched: str) -> None:
    writer = sqlite3.connect(searched.removeprefix("sqlite:///"), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        assert not update_statistics(searched)
        assert len(found(searched, "agent", "clerk")) == 3
    finally:
        writer.close()
