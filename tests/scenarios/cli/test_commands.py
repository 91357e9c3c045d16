"""The command line, as a person and as a program use it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scenarios.cli.app import app
from scenarios.player.scenario_loader import scenario_folder, scenario_names
from tests.support.cli_runner import run_command

NAME = "summarizer_never_sees_the_draft"
COMMANDS = tuple(
    one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands
)


def run_in_subprocess(
    *arguments: str, store: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """`python -m scenarios …` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "scenarios", *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        env=os.environ | {"MLFLOW_TRACKING_URI": store} | environment,
    )


@pytest.fixture(scope="module")
def played(store: str) -> dict[str, Any]:
    """What `run --json` prints of a scenario, its exit code added."""
    done = run_in_subprocess("run", NAME, "--json", store=store)
    told: dict[str, Any] = json.loads(done.stdout)
    return told | {"code": done.returncode, "stderr": done.stderr}


def test_run_prints_the_verdict_as_json(played: dict[str, Any]) -> None:
    assert (played["code"], played["scenario"], played["passed"]) == (0, NAME, True)
    broken, fixed = played["variants"]
    assert (broken["variant"], fixed["variant"]) == ("broken", "fixed")
    for seen in (broken, fixed):
        assert seen["passed"]
        assert seen["trace_id"].startswith("tr-")
        assert seen["outline"].startswith("review  [CHAIN OK]")
        assert all(e["held"] and e["why_not"] is None for e in seen["expectations"])
        assert set(seen["fidelity"]) == {"llm_calls", "tool_calls", "tokens", "agents", "errors"}
        assert all(count["ledger"] == count["trace"] for count in seen["fidelity"].values())
        assert seen["fidelity"]["llm_calls"]["ledger"] == 5
        assert seen["drift"] == []


def test_progress_goes_to_stderr_so_that_json_stays_json(played: dict[str, Any]) -> None:
    assert "broken  generator #1" in played["stderr"]


def test_check_reads_a_trace_of_the_store_by_its_id(played: dict[str, Any], store: str) -> None:
    broken, fixed = (seen["trace_id"] for seen in played["variants"])
    assert run_command(store, "check", NAME, "--trace", fixed).exit_code == 0
    judged = run_command(store, "check", NAME, "--trace", broken)
    assert judged.exit_code == 1
    assert "of the 406 characters sent, 0% arrived" in judged.stdout


def test_check_reads_an_exported_trace(played: dict[str, Any], store: str, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    exported = tmp_path / "export.json"
    exported.write_text(MlflowClient(store).get_trace(played["variants"][1]["trace_id"]).to_json())
    assert run_command("", "check", NAME, "--trace", str(exported)).exit_code == 0


def test_check_reads_a_recorded_trace_as_the_variant_it_is_told() -> None:
    broken = str(scenario_folder(NAME).recorded_trace("broken"))
    assert run_command("", "check", NAME, "--trace", broken, "--variant", "broken").exit_code == 0
    assert run_command("", "check", NAME, "--trace", broken, "--variant", "fixed").exit_code == 1


def test_check_loads_no_framework() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv[1:] = ['check']\n"
            "from scenarios.cli.main import main\n"
            "try: main()\n"
            "except SystemExit as end: print(end.code)\n"
            "print([m for m in ('mlflow', 'autogen_core', 'openai') if m in sys.modules])",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.stdout.splitlines()[-2:] == ["0", "[]"], told.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "sumarizer_never_sees"), "did you mean summarizer_never_sees_the_draft"),
        (("run", "../../etc/passwd"), "no scenario is named"),
        (("check", NAME, "--trace", "tr-nothing"), "no trace 'tr-nothing'"),
        (("check", NAME, "--variant", "brokne"), "has no variant 'brokne'"),
        (("check", "--trace", "x.json"), "--trace needs the NAME"),
        (("serve", "no/such/tape.jsonl"), "no/such/tape.jsonl"),
        (("live", "graphflow_reviw", "task"), "did you mean graphflow_review"),
        (("live", "graphflow_review", "task"), "MODEL_NAME and OPENAI_API_KEY not set"),
        (("fly",), "No such command 'fly'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    arguments: tuple[str, ...], sentence: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for unset in ("MODEL_NAME", "OPENAI_API_KEY"):
        monkeypatch.setenv(unset, "")
    done = run_command(store, *arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_check_of_what_is_no_trace_names_the_file(tmp_path: Path) -> None:
    for text in ("", "[]", '{"format": "other/9", "roots": []}', '{"data": {"spans": []}}'):
        half = tmp_path / "half.json"
        half.write_text(text)
        done = run_command("", "check", NAME, "--trace", str(half))
        assert done.exit_code == 2, text
        assert "half.json" in done.stderr or "no spans" in done.stderr
        assert "Traceback" not in done.stderr


def test_list_names_every_scenario_for_people_and_programs() -> None:
    listed = run_command("", "list").stdout
    told = json.loads(run_command("", "list", "--json").stdout)
    assert [entry["scenario"] for entry in told] == list(scenario_names())
    assert all(name in listed for name in scenario_names())


def test_what_is_produced_is_current() -> None:
    done = run_command("", "accept", "--check", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"not_current": []})


@pytest.mark.parametrize("name", COMMANDS)
def test_help_teaches_each_command(name: str) -> None:
    (line,) = (
        one for one in run_command("", "--help").stdout.splitlines() if one.startswith(f"  {name} ")
    )
    assert len(line.split()) > 3
    assert len(run_command("", name, "--help").stdout.splitlines()) > 4


def test_output_that_is_no_terminal_has_no_colours(played: dict[str, Any], store: str) -> None:
    assert "\x1b[" not in run_in_subprocess("check", NAME, store=store).stdout
    assert "\x1b[" not in played["stderr"]
