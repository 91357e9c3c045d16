"""A program that is traced connects to its model and its store, and to nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scenarios.replay.replay_server import replay_tape
from tests.support.tapes import make_tape, reply_line

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys

targets = []

def note_connection(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        targets.append(str(arguments[1][0]))
    elif event == "socket.getaddrinfo":
        targets.append(str(arguments[0]))

sys.addaudithook(note_connection)
from crewai import LLM
from instrumentation import enable_tracing, record_run

base_url, store = sys.argv[1:]
with enable_tracing(store), record_run() as run:
    model = LLM(model="openai/gpt-4o-mini", base_url=base_url, api_key="k",
                default_headers={"x-agent-name": "a"})
    assert model.call("go on") == "done"
(trace,) = run.traces()
print(trace.info.cost)
print(sorted(set(targets)))
"""


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_traced_completion_of_crewai_connects_to_its_endpoint_alone(
    tmp_path: Path,
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("MLFLOW_MODEL_CATALOG_URI", None)
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    with replay_tape(make_tape(reply_line("a", "done"))) as replay:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, replay.base_url, store],
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    *_, cost, targets = done.stdout.splitlines()
    assert cost != "None"  # the price of the model was looked up
    assert targets == "['127.0.0.1']"
