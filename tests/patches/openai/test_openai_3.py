"""Completions requested with openai 3 are recorded, through httpx2 and through httpx."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scenarios.replay.faults import unavailable
from scenarios.replay.replay_server import replay_tape
from tests.support.openai_clients import TEXT
from tests.support.tapes import make_tape, reply_line

ROOT = Path(__file__).parent.parent.parent.parent
PYTHON = ROOT / ".envs/openai-3/bin/python"
SCRIPT = ROOT / "tests/openai_3_env/record_completions.py"
if not PYTHON.exists():
    pytest.skip("needs openai 3 in .envs/openai-3: make openai-3-env", allow_module_level=True)

pytestmark = pytest.mark.long
COMPLETIONS = 7
"""How many completions the script requests per HTTP package; it closes the sixth early."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the script prints; each package's first completion fails three times before."""
    store = f"sqlite:///{tmp_path_factory.mktemp('openai_3') / 'mlflow.db'}"
    tape = make_tape(*(reply_line("a", TEXT) for _ in range(2 * COMPLETIONS)))
    faults = [unavailable("a", call=1, times=3), unavailable("a", call=COMPLETIONS + 4, times=3)]
    with replay_tape(tape, faults) as replay:
        process = subprocess.run(
            [PYTHON, SCRIPT, replay.base_url, store, "httpx2", "httpx"],
            env=os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"},
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[-1])


def test_no_patch_declines(recorded: Any) -> None:
    assert recorded["openai"].startswith("3.")
    assert not [reason for reason in recorded["skip_reasons"] if "openai" in reason]


@pytest.mark.parametrize("http", ["httpx2", "httpx"])
def test_each_completion_and_failed_attempt_of_openai_3_is_recorded(
    recorded: Any, http: str
) -> None:
    completions = recorded["completions"][http]
    chat, response = "chat.completions", "responses"
    assert [one["name"] for one in completions] == [chat, chat, chat, response, chat, chat, chat]
    *complete, closed, last = completions
    assert all(one["status"] == "OK" and TEXT in one["text"] for one in [*complete, last])
    assert closed["status"] == "OK"
    assert TEXT not in closed["text"]
    assert [one["attempts"] for one in completions] == [["HTTP 503"] * 3, *([[]] * 6)]
