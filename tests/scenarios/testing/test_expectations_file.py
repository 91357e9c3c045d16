"""`check TRACE --expect FILE` evaluates the expectations of a Python file."""

import json
from pathlib import Path

import pytest

from scenarios.player.scenario_loader import scenario_folder
from tests.support.cli_runner import run_command

TRACE = scenario_folder("review_goes_well").recorded_trace("twin")
OTLP = {
    "resourceSpans": [
        {
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": "0af7651916cd43dd8448eb211c80319c",
                            "spanId": "b7ad6b7169203331",
                            "name": "invoke_agent writer",
                            "startTimeUnixNano": "1700000000000000000",
                            "endTimeUnixNano": "1700000001000000000",
                            "attributes": [
                                {
                                    "key": "gen_ai.operation.name",
                                    "value": {"stringValue": "invoke_agent"},
                                },
                                {"key": "gen_ai.agent.name", "value": {"stringValue": "writer"}},
                            ],
                            "status": {"code": 1},
                        }
                    ]
                }
            ]
        }
    ]
}


def write_expectations(folder: Path, *expectations: str) -> str:
    file = folder / "my_expectations.py"
    file.write_text(
        f"from flight_recorder.testing import *\nEXPECTATIONS = [{', '.join(expectations)}]\n"
    )
    return str(file)


def test_a_trace_that_meets_all_expectations_passes(store: str, tmp_path: Path) -> None:
    file = write_expectations(tmp_path, 'hands_off("generator", "summarizer")')
    assert run_command(store, "check", str(TRACE), "--expect", file).exit_code == 0


def test_a_failed_expectation_is_explained(store: str, tmp_path: Path) -> None:
    file = write_expectations(tmp_path, 'ends_with_status("OK")', 'takes_turns("editor", 1)')
    ended = run_command(store, "check", str(TRACE), "--expect", file, "--json")
    (result,) = json.loads(ended.stdout)["variants"]
    assert ended.exit_code == 1
    assert [one["passed"] for one in result["expectations"]] == [True, False]
    assert result["expectations"][1]["reason"]


def test_a_trace_of_otlp_json_can_be_checked(store: str, tmp_path: Path) -> None:
    (tmp_path / "spans.json").write_text(json.dumps(OTLP))
    for turns, exit_code in ((1, 0), (2, 1)):
        file = write_expectations(tmp_path, f'takes_turns("writer", {turns})')
        ended = run_command(store, "check", str(tmp_path / "spans.json"), "--expect", file)
        assert ended.exit_code == exit_code, ended.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected EXPECTATIONS = [...], a list of expectations"),
        ("EXPECTATIONS = [1]", "EXPECTATIONS has a int, expected only expectations"),
        ("import not_installed", "ModuleNotFoundError: No module named 'not_installed'"),
    ],
)
def test_a_wrong_file_is_named_with_the_reason(
    store: str, tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(text)
    ended = run_command(store, "check", str(TRACE), "--expect", str(file))
    assert (ended.exit_code, message in ended.stderr) == (2, True), ended.stderr
    assert str(file) in ended.stderr
