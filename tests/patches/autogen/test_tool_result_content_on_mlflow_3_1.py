"""The content-type repair in the environment that needs it: mlflow 3.1.4 and autogen 0.6.1."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape

ROOT = Path(__file__).parent.parent.parent.parent
PYTHON = ROOT / ".envs/mlflow-3.1.4/bin/python"
SCRIPT = ROOT / "tests/old_env/call_a_tool.py"
if not PYTHON.exists():
    pytest.skip("needs mlflow 3.1.4 in .envs/mlflow-3.1.4: make old-env", allow_module_level=True)

pytestmark = [pytest.mark.old_env, pytest.mark.long]

TAPE = (
    {
        "content": "I look both up.",
        "tool_calls": [
            {"id": "call_1", "name": "capital", "arguments": {"country": "Ecuador"}},
            {"id": "call_2", "name": "capital", "arguments": {"country": "Peru"}},
        ],
        "usage": {"prompt_tokens": 61, "completion_tokens": 17},
    },
    {"content": "Quito and Lima.", "usage": {"prompt_tokens": 93, "completion_tokens": 5}},
)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """The old environment's account of one run, "with" or "without" the patch."""
    folder = tmp_path_factory.mktemp("old_env")
    tape = folder / "tape.jsonl"
    lines = [{"lane": "clerk", "origin": "scripted", "reply": reply} for reply in TAPE]
    tape.write_text("\n".join(map(json.dumps, lines)))

    def play(patch: str) -> Any:
        store = f"sqlite:///{folder / f'{patch}.db'}"
        with replay_tape(Tape.load(tape)) as replay:
            done = subprocess.run(
                [PYTHON, SCRIPT, replay.base_url, store, patch],
                env=os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"},
                capture_output=True,
                text=True,
                timeout=100,
            )
        assert done.returncode == 0, done.stderr
        assert not replay.unplayed_lines
        return json.loads(done.stdout)

    return play


@pytest.fixture(scope="module")
def without(played: Callable[[str], Any]) -> Any:
    return played("without")


@pytest.fixture(scope="module")
def mended(played: Callable[[str], Any]) -> Any:
    return played("with")


def test_a_tool_result_breaks_the_span_without_the_patch(without: Any) -> None:
    _, second = without["completions"]
    assert second["status"] == "ERROR"
    assert "2 validation errors for ChatMessage" in second["says"]


def test_the_broken_span_has_neither_outputs_nor_tokens(without: Any) -> None:
    _, second = without["completions"]
    assert second["outputs"] is None


def test_the_trace_with_the_broken_span_says_ok(without: Any) -> None:
    assert (without["state"], without["answer"]) == ("OK", "Quito and Lima.")


@pytest.mark.xfail(
    raises=AssertionError, reason="a FunctionExecutionResultMessage is no content of a ChatMessage"
)
def test_mlflow_records_what_follows_a_tool_call_without_us(without: Any) -> None:
    assert [span["status"] for span in without["completions"]] == ["OK", "OK"]


def test_the_patch_is_applied(mended: Any) -> None:
    assert mended["why_not"] == [None]


def test_the_patch_is_undone(mended: Any) -> None:
    assert mended["undone"]


def test_with_the_patch_every_completion_is_ok(mended: Any) -> None:
    assert [span["status"] for span in mended["completions"]] == ["OK", "OK"]


def test_with_the_patch_tokens_are_what_was_served(mended: Any) -> None:
    seen = [span["outputs"]["usage"] for span in mended["completions"]]
    assert seen == [line["usage"] for line in TAPE]


def test_with_the_patch_the_answer_is_there(mended: Any) -> None:
    assert mended["completions"][1]["outputs"]["content"] == "Quito and Lima."


def test_each_result_is_a_message_of_its_own(mended: Any) -> None:
    chat = mended["completions"][1]["chat"]
    assert [message["role"] for message in chat] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
    ]
    assert [(message["tool_call_id"], message["content"]) for message in chat[3:5]] == [
        ("call_1", "the capital of Ecuador is Quito"),
        ("call_2", "the capital of Peru is Lima"),
    ]
