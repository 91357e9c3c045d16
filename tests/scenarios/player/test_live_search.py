"""Live runs of the search agent: its keys, its services, and the index in its own process."""

import json
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from patches.mlflow.store.experiment import use_experiment
from scenarios.player.live.live_run import error_summary
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.replay.service_processes import ServiceProcesses, run_services
from tests.support.cli_runner import run_command
from tests.support.new_store import new_store
from tests.support.servers import find_free_port
from tests.support.tapes import make_tape, reply_line, service_line

pytestmark = pytest.mark.long

KEY = "sk-live-5ecret-0123456789abcdef"
TAVILY_KEY = "tvly-5ecret-fedcba9876543210"
TASK = "How high is the highest point of FRA, and who measured it?"
CALLS = [
    {"name": "search_index", "arguments": {"query": "highest point", "country": "FRA"}},
    {"name": "web_search", "arguments": {"query": "who measured Mont Blanc"}},
]
HIT = {"title": "Mont Blanc", "url": "https://example.org/", "content": "Surveyors did."}
TAPE = make_tape(
    reply_line("searcher", "I look up both.", when=r"measured it\?\Z", tool_calls=CALLS),
    service_line("tavily", "/search", {"results": [HIT]}),
    reply_line(
        "searcher",
        "Mont Blanc is ${height} metres high [1], as surveyors found.",
        when=r"Mont Blanc, (?P<height>[\d,.]+) metres",
    ),
    reply_line("searcher", "The index was unavailable.", when="error: no index: it did not answer"),
)


@pytest.fixture
def endpoint() -> Iterator[ReplayServer]:
    with replay_tape(TAPE) as replay:
        yield replay


@pytest.fixture(scope="module")
def processes(store: str) -> Iterator[ServiceProcesses]:
    with run_services({"index": ()}, store) as up:
        yield up


def environment(replay: ReplayServer) -> dict[str, str]:
    return {
        "MODEL_NAME": "m",
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": replay.base_url,
        "TAVILY_API_KEY": TAVILY_KEY,
    }


def command(replay: ReplayServer, index: str) -> tuple[str, ...]:
    where = ("--service", f"tavily={replay.url}", "--service", f"index={index}")
    return ("live", "search_agent", TASK, *where)


def test_the_index_writes_into_the_trace_of_a_live_run(
    endpoint: ReplayServer, processes: ServiceProcesses, store: str
) -> None:
    index = processes.addresses["index"]
    done = run_command(store, *command(endpoint, index), **environment(endpoint))
    assert done.exit_code == 0, done.stderr
    assert "GET /search  [RETRIEVER OK]" in done.stdout
    assert "Mont Blanc is 4,805.59 metres high [1]" in done.stdout


def test_replies_of_services_are_recorded_without_keys(
    endpoint: ReplayServer, processes: ServiceProcesses, tmp_path: Path
) -> None:
    tape, database = tmp_path / "tape.jsonl", tmp_path / "mlflow.db"
    index = processes.addresses["index"]
    arguments = (*command(endpoint, index), "--record", str(tape))
    done = run_command(f"sqlite:///{database}", *arguments, **environment(endpoint))
    assert done.exit_code == 0, done.stderr
    lines = [json.loads(line) for line in tape.read_text("utf-8").splitlines()]
    assert {line["lane"] for line in lines} == {"searcher", "tavily", "index"}
    for text in (tape.read_bytes(), database.read_bytes(), (done.stdout + done.stderr).encode()):
        assert KEY.encode() not in text
        assert TAVILY_KEY.encode() not in text


def test_a_missing_index_fails_the_tool_call_but_not_the_run(
    endpoint: ReplayServer, store: str
) -> None:
    nowhere = f"http://127.0.0.1:{find_free_port()}"
    done = run_command(store, *command(endpoint, nowhere), **environment(endpoint))
    assert done.exit_code == 0, done.stderr
    assert "search_index  [TOOL ERROR]" in done.stdout
    assert "ConnectError  [ATTEMPT ERROR]" in done.stdout
    assert "web_search  [TOOL OK]" in done.stdout


@pytest.mark.parametrize(
    ("error", "line"), [(ValueError("one\ntwo"), "one"), (TimeoutError(), "TimeoutError")]
)
def test_an_error_summary_is_one_line_even_without_a_message(error: Exception, line: str) -> None:
    assert error_summary(error) == line


def test_the_only_agent_gets_its_prompt_from_the_registry(
    endpoint: ReplayServer, processes: ServiceProcesses, tmp_path: Path
) -> None:
    store = new_store(tmp_path)
    with use_experiment(store, "prompts"):
        version = mlflow.genai.register_prompt("searches", "Search, then answer.").version
        mlflow.genai.set_prompt_alias("searches", "production", version)
    arguments = (
        *command(endpoint, processes.addresses["index"]),
        "--prompt",
        "searches@production",
    )
    done = run_command(store, *arguments, **environment(endpoint))
    assert done.exit_code == 0, done.stderr
    first = next(one for one in endpoint.ledger.exchanges if one.lane == "searcher")
    assert first.request["messages"][0]["content"] == "Search, then answer."
