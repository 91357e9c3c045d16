"""The command `import-trace`: what it writes, what it prints, and how it ends."""

import json
from pathlib import Path

from instrumentation.trace.canonical_json import FORMAT_VERSION, load_trace
from scenarios.player.scenario_loader import load_scenario, scenario_folder
from scenarios.tape.tape import Tape
from scenarios.traces.trace_import.module_writer import write_scenario
from scenarios.traces.trace_import.traced_tape import import_trace
from tests.support.cli_runner import run_command

RECORDED = scenario_folder("review_goes_well").recorded_trace("twin")


def test_a_tape_is_private_and_never_replaced_without_force(tmp_path: Path) -> None:
    tape = tmp_path / "review.jsonl"
    ended = run_command("", "import-trace", str(RECORDED), "--tape", str(tape))
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "5 lines (generator 2, reviewer 2, summarizer 1)" in ended.stdout
    assert f"wrote {tape}" in ended.stdout
    assert tape.stat().st_mode & 0o777 == 0o600
    assert len(Tape.load(tape).lines) == 5

    again = run_command("", "import-trace", str(RECORDED), "--tape", str(tape))
    assert (again.exit_code, "the file exists" in again.stderr) == (2, True)
    forced = run_command("", "import-trace", str(RECORDED), "--tape", str(tape), "--force")
    assert forced.exit_code == 0


def test_json_lists_files_and_gaps(tmp_path: Path) -> None:
    tape = tmp_path / "review.jsonl"
    ended = run_command("", "import-trace", str(RECORDED), "--tape", str(tape), "--json")
    report = json.loads(ended.stdout)
    assert (report["files"], report["complete"], report["lines"]) == ([str(tape)], True, 5)
    assert [gap["missing"] for gap in report["gaps"]] == ["stream"]


def test_a_trace_without_completions_ends_with_1(tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    root = {"name": "run", "type": "CHAIN", "status": "OK"}
    trace.write_text(json.dumps({"format": FORMAT_VERSION, "roots": [root]}))
    ended = run_command("", "import-trace", str(trace), "--tape", str(tmp_path / "tape.jsonl"))
    assert ended.exit_code == 1
    assert "the trace has no completions" in ended.stdout


def test_a_scenario_of_a_trace_is_valid_and_holds_for_the_trace(tmp_path: Path) -> None:
    trace = load_trace(RECORDED)
    workflow = "workflows.graphflow_review:GraphFlowReview"
    write_scenario("review_of_a_trace", workflow, trace, import_trace(trace), tmp_path)
    page = load_scenario("review_of_a_trace", tmp_path)
    assert page.task == load_scenario("review_goes_well").task
    descriptions = [one.description for one in page.expect_twin]
    assert len(descriptions) >= 8
    assert [one.explain_failure(trace) for one in page.expect_twin] == [None] * len(descriptions)


def test_a_test_is_written_beside_its_tape(tmp_path: Path) -> None:
    ended = run_command(
        *("", "import-trace", str(RECORDED), "--into", str(tmp_path), "--name", "My review"),
        *("--", "python", "review.py"),
    )
    assert (ended.exit_code, ended.stderr) == (0, "")
    module = (tmp_path / "test_my_review.py").read_text()
    compile(module, "test_my_review.py", "exec")
    assert '@pytest.mark.tape("my_review.jsonl")' in module
    assert 'subprocess.run(["python", "review.py"], check=True, timeout=120)' in module
    assert 'hands_off("generator", "reviewer", times=2),' in module
    assert "      generator  [AGENT OK]" in module
    assert len(Tape.load(tmp_path / "my_review.jsonl").lines) == 5
    again = run_command("", "import-trace", str(RECORDED), "--into", str(tmp_path))
    assert again.exit_code == 0
    assert "run your program here" in (tmp_path / "test_review.py").read_text()
