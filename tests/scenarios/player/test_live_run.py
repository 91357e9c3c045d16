"""Live runs: a workflow on the endpoint that the environment selects, here a served tape."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from instrumentation.trace.trace import trace_from_mlflow
from scenarios.player.scenario_loader import scenario_folder
from scenarios.replay.faults import hangs, unavailable
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.tape.tape import Tape
from tests.support.cli_runner import run_command, run_in_subprocess
from tests.support.forks.forking_python import forking_python
from tests.support.new_store import new_store

pytestmark = pytest.mark.long

KEY = "sk-live-5ecret-0123456789abcdef"
TASK = "Write a briefing on the loss of Mars Climate Orbiter."
TAPE = Tape.load(scenario_folder("review_goes_well").tape)


@pytest.fixture
def endpoint() -> Iterator[ReplayServer]:
    with replay_tape(TAPE) as replay:
        yield replay


def model(replay: ReplayServer) -> dict[str, str]:
    return {"MODEL_NAME": "m", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": replay.base_url}


def test_a_live_run_streams_answers_and_prints_its_trace(
    endpoint: ReplayServer, store: str
) -> None:
    done = run_in_subprocess("live", "graphflow_review", TASK, store=store, **model(endpoint))
    assert done.returncode == 0, done.stderr
    assert "generator: Mars Climate Orbiter was lost" in done.stdout
    assert "review  [CHAIN OK]  → approved" in done.stdout
    assert all(exchange.streamed for exchange in endpoint.ledger.exchanges)
    tokens = sum(e.input_tokens + e.output_tokens for e in endpoint.ledger.exchanges)
    lines = [line.split() for line in done.stdout.splitlines() if "tokens in" in line]
    assert sum(int(line[3]) + int(line[6]) for line in lines) == tokens


def test_the_key_reaches_neither_the_store_nor_the_tape_nor_the_terminal(
    endpoint: ReplayServer, tmp_path: Path
) -> None:
    tape, database = tmp_path / "tape.jsonl", tmp_path / "mlflow.db"
    command = ("live", "graphflow_review", TASK, "--record", str(tape))
    done = run_command(f"sqlite:///{database}", *command, **model(endpoint))
    assert done.exit_code == 0, done.stderr
    for text in (tape.read_bytes(), database.read_bytes(), (done.stdout + done.stderr).encode()):
        assert len(text) > 500
        assert KEY.encode() not in text


def test_a_recorded_live_run_can_be_replayed(
    endpoint: ReplayServer, tmp_path: Path, store: str
) -> None:
    tape = tmp_path / "tape.jsonl"
    command = ("live", "graphflow_review", TASK)
    first = run_command(store, *command, "--record", str(tape), **model(endpoint))
    assert first.exit_code == 0, first.stderr
    origins = {json.loads(line)["origin"] for line in tape.read_text("utf-8").splitlines()}
    assert origins == {"recorded"}
    with replay_tape(Tape.load(tape)) as again:
        second = run_command(store, *command, **model(again))
        assert second.exit_code == 0, second.stderr
        assert not again.unplayed_lines
        assert not again.refusals
    assert _answer(first.stdout) == _answer(second.stdout)


def test_a_failed_run_still_prints_its_trace(store: str) -> None:
    with replay_tape(TAPE, [unavailable("reviewer", status=503, times=3)]) as replay:
        done = run_command(store, "live", "graphflow_review", TASK, **model(replay))
    assert done.exit_code == 1
    assert done.stdout.count("HTTP 503  [ATTEMPT ERROR]") == 3
    assert "review  [CHAIN ERROR]" in done.stdout


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_at_once_and_leaves_a_trace(
    sent: signal.Signals, code: int, tmp_path: Path
) -> None:
    store = new_store(tmp_path)
    with replay_tape(TAPE, [hangs("generator")]) as replay:
        running = subprocess.Popen(
            [forking_python(), "-m", "scenarios", "live", "graphflow_review", TASK],
            env=os.environ | model(replay) | {"MLFLOW_TRACKING_URI": store},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not replay.ledger.exchanges and time.monotonic() < deadline:
            time.sleep(0.05)
        running.send_signal(sent)
        _, errors = running.communicate(timeout=20)
    assert running.returncode == code
    assert "stopped; the spans recorded so far are in the store" in errors
    assert "Traceback" not in errors
    client = mlflow.MlflowClient(store)
    experiment = client.get_experiment_by_name("flight-recorder")
    (found,) = client.search_traces(locations=[experiment.experiment_id])
    trace = trace_from_mlflow([found.to_dict()])
    assert [span.type for span in trace] == ["CHAIN", "CHAIN", "AGENT", "LLM", "ATTEMPT"]
    assert {span.status for span in trace} == {"ERROR"}


def _answer(text: str) -> str:
    return text[text.index("Review(") : text.index("read the trace")]


def test_an_agent_gets_its_prompt_from_the_registry_and_the_trace_tells(
    endpoint: ReplayServer, tmp_path: Path
) -> None:
    store = new_store(tmp_path)
    mlflow.set_tracking_uri(store)
    version = mlflow.genai.register_prompt("drafts", "Write plainly.").version
    mlflow.genai.set_prompt_alias("drafts", "production", version)
    command = ("live", "graphflow_review", TASK, "--prompt", "generator=drafts@production")
    done = run_command(store, *command, **model(endpoint))
    assert done.exit_code == 0, done.stderr
    prompts = {
        exchange.lane: exchange.request["messages"][0]["content"]
        for exchange in endpoint.ledger.exchanges
    }
    assert prompts["generator"] == "Write plainly."
    assert "Write plainly." not in (prompts["reviewer"], prompts["summarizer"])
    assert "drafts, version 1 (production)" in run_command(store, "produced-by", "last").stdout


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("writer=drafts@production", "names the agent 'writer'; graphflow_review has generator"),
        ("drafts@production", "cannot be used with graphflow_review"),
        ("generator=drafts@nowhere", "expects NAME@ALIAS of a prompt in the registry"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_an_error_before_the_run(
    endpoint: ReplayServer, tmp_path: Path, prompt: str, sentence: str
) -> None:
    store = new_store(tmp_path)
    mlflow.set_tracking_uri(store)
    version = mlflow.genai.register_prompt("drafts", "Write plainly.").version
    mlflow.genai.set_prompt_alias("drafts", "production", version)
    done = run_command(
        store, "live", "graphflow_review", TASK, "--prompt", prompt, **model(endpoint)
    )
    assert done.exit_code == 2
    assert sentence in " ".join(done.stderr.split())
    assert not endpoint.ledger.exchanges
