"""The commands of `python -m scenarios`: exit codes, output, errors and help."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from scenarios.cli.app import app
from scenarios.player.scenario_loader import scenario_folder, scenario_names
from tests.support.cli_runner import run_command, run_in_subprocess

NAME = "summarizer_never_sees_the_draft"
COMMANDS = tuple(
    one.name or getattr(one.callback, "__name__", "").replace("_", "-")
    for one in app.registered_commands
)


@pytest.fixture(scope="module")
def run_result(store: str) -> dict[str, Any]:
    """The JSON of `run --json` for a scenario, with the exit code and stderr."""
    done = run_in_subprocess("run", NAME, "--json", store=store)
    result: dict[str, Any] = json.loads(done.stdout)
    return result | {"code": done.returncode, "stderr": done.stderr}


def test_run_prints_the_verdict_as_json(run_result: dict[str, Any]) -> None:
    assert (run_result["code"], run_result["scenario"], run_result["passed"]) == (0, NAME, True)
    broken, fixed = run_result["variants"]
    assert (broken["variant"], fixed["variant"]) == ("broken", "fixed")
    for variant in (broken, fixed):
        assert variant["passed"]
        assert variant["trace_id"].startswith("tr-")
        assert variant["outline"].startswith("review  [CHAIN OK]")
        assert all(e["passed"] and e["reason"] is None for e in variant["expectations"])
        assert set(variant["fidelity"]) == {"llm_calls", "tool_calls", "tokens", "agents", "errors"}
        assert all(count["ledger"] == count["trace"] for count in variant["fidelity"].values())
        assert variant["fidelity"]["llm_calls"]["ledger"] == 5
        assert variant["drift"] == []


def test_the_json_of_each_command_has_its_documented_keys(
    run_result: dict[str, Any], store: str
) -> None:
    verdict = {"scenario", "passed", "variants", "problems"}
    variant = {
        *("variant", "passed", "inputs", "trace_id", "session", "outline", "expectations"),
        *("diagnosis", "fidelity", "drift", "new", "problems"),
    }
    assert run_result.keys() == verdict | {"code", "stderr"}
    checked = json.loads(run_command(store, "check", NAME, "--json").stdout)
    assert checked.keys() == verdict
    for result in (*run_result["variants"], *checked["variants"]):
        assert result.keys() == variant
        assert (result["inputs"], result["session"], result["new"]) == ({}, None, False)
        assert result["expectations"][0].keys() == {"description", "passed", "reason"}
        assert result["problems"] == []
    chat = json.loads(run_command(store, "check", "conversation_goes_well", "--json").stdout)
    assert chat["variants"][0]["session"] == "<id>"
    listed = json.loads(run_command(store, "list", "--json").stdout)
    assert listed[0].keys() == {"scenario", "title", "mode"}
    patches = json.loads(run_command(store, "patches", "--json").stdout)
    assert patches[0].keys() == {"patch", "skip_reason", "symptom"}
    found = json.loads(run_command(store, "search", "all", "--json").stdout)
    assert found.keys() == {"filter_string", "traces"}
    assert found["traces"][0].keys() == {
        *("when", "id", "workflow", "latency_ms", "tokens", "cost_usd", "status", "first_error")
    }


def test_progress_goes_to_stderr(run_result: dict[str, Any]) -> None:
    assert "broken  generator #1" in run_result["stderr"]


def test_check_reads_a_stored_trace_by_its_id(run_result: dict[str, Any], store: str) -> None:
    broken, fixed = (variant["trace_id"] for variant in run_result["variants"])
    assert run_command(store, "check", NAME, "--trace", fixed).exit_code == 0
    checked = run_command(store, "check", NAME, "--trace", broken)
    assert checked.exit_code == 1
    assert "only 0% of the 406 characters sent arrived" in checked.stdout


def test_check_reads_an_exported_trace(
    run_result: dict[str, Any], store: str, tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    exported = tmp_path / "export.json"
    exported.write_text(
        MlflowClient(store).get_trace(run_result["variants"][1]["trace_id"]).to_json()
    )
    assert run_command("", "check", NAME, "--trace", str(exported)).exit_code == 0


def test_check_reads_a_recorded_trace_as_the_given_variant() -> None:
    broken = str(scenario_folder(NAME).recorded_trace("broken"))
    assert run_command("", "check", NAME, "--trace", broken, "--variant", "broken").exit_code == 0
    assert run_command("", "check", NAME, "--trace", broken, "--variant", "fixed").exit_code == 1


@pytest.mark.long
def test_check_imports_no_framework() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv[1:] = ['check']\n"
            "from scenarios.cli.app import main\n"
            "try: main()\n"
            "except SystemExit as end: print(end.code)\n"
            "print([m for m in ('mlflow', 'autogen_core', 'openai') if m in sys.modules])",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-2:] == ["0", "[]"], done.stderr


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
def test_a_user_error_prints_a_sentence_and_exits_with_2(
    arguments: tuple[str, ...], sentence: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for unset in ("MODEL_NAME", "OPENAI_API_KEY"):
        monkeypatch.setenv(unset, "")
    done = run_command(store, *arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_check_of_an_invalid_trace_names_the_file(tmp_path: Path) -> None:
    for text in ("", "[]", '{"format": "other/9", "roots": []}', '{"data": {"spans": []}}'):
        file = tmp_path / "half.json"
        file.write_text(text)
        done = run_command("", "check", NAME, "--trace", str(file))
        assert done.exit_code == 2, text
        assert "half.json" in done.stderr or "no spans" in done.stderr
        assert "Traceback" not in done.stderr


def test_list_prints_every_scenario_as_text_and_as_json() -> None:
    listed = run_command("", "list").stdout
    entries = json.loads(run_command("", "list", "--json").stdout)
    assert [entry["scenario"] for entry in entries] == list(scenario_names())
    assert all(name in listed for name in scenario_names())


def test_generated_files_are_up_to_date() -> None:
    done = run_command("", "accept", "--check", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"not_current": []})


@pytest.mark.parametrize("name", COMMANDS)
def test_help_describes_each_command_in_80_columns(name: str) -> None:
    lines = run_command("", "--help").stdout.splitlines()
    (summary,) = (line for line in lines if line.startswith(f"  {name} "))
    assert len(summary.split()) > 3
    assert not summary.endswith("...")
    help_text = run_command("", name, "--help").stdout
    assert len(help_text.splitlines()) > 4
    assert all(len(line) <= 80 for line in help_text.splitlines())


def test_version_is_that_of_the_project(project_root: Path) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text("utf-8"))["project"]
    done = run_command("", "--version")
    assert (done.exit_code, done.stdout) == (0, f"{project['name']} {project['version']}\n")


def test_output_to_a_file_has_no_colours(run_result: dict[str, Any], store: str) -> None:
    assert "\x1b[" not in run_in_subprocess("check", NAME, store=store).stdout
    assert "\x1b[" not in run_result["stderr"]
