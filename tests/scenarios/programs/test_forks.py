"""`replay --fork`: the recorded run up to one call, then another one."""

import json
from pathlib import Path
from typing import Any

import pytest

from instrumentation.trace import Trace
from instrumentation.trace.completions import list_completions
from instrumentation.trace.lookup import fetch_run
from tests.support.cli_runner import run_command, run_in_subprocess
from tests.support.forks.forking_python import forking_python
from tests.support.live_endpoint import live_endpoint
from tests.support.tapes import reply_line

pytestmark = pytest.mark.long

PROGRAM = Path(__file__).parent / "foreign" / "writer_and_reviewer.py"
RUN = (
    reply_line("x", "The lake is deep.", r"Writer[\s\S]*of the lake\.\Z"),
    reply_line("x", "How deep?", r"Reviewer[\s\S]*is deep"),
    reply_line("x", "The lake is 8 m deep.", r"Writer[\s\S]*How deep"),
    reply_line("x", "OK", r"Reviewer[\s\S]*8 m"),
)
"""What the live endpoint answers when the run is recorded."""
OTHER = (
    reply_line("x", "The lake is cold.", r"Writer[\s\S]*How cold"),
    reply_line("x", "OK", r"Reviewer[\s\S]*is cold"),
)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of the program: Writer, Reviewer, Writer, Reviewer."""
    path = tmp_path_factory.mktemp("fork") / "run.jsonl"
    with live_endpoint(*RUN) as live:
        recorded = record(path, live.base_url)
    assert recorded.returncode == 0, recorded.stderr
    return path


def command() -> tuple[str, str]:
    return forking_python(), str(PROGRAM)


def record(path: Path, upstream: str) -> Any:
    options = ("--tape", str(path), "--upstream", upstream)
    return run_in_subprocess("record", *options, "--", *command(), OPENAI_API_KEY="unused")


def fork(tape: Path, *options: str, **environment: str) -> Any:
    return run_in_subprocess(
        "replay", str(tape), *options, "--", *command(), OPENAI_API_KEY="unused", **environment
    )


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    path = tmp_path / "edited.txt"
    path.write_text("OK\n")
    return path


def test_an_edited_reply_changes_the_rest_of_the_run(tape: Path, edited: Path) -> None:
    ended = fork(tape, "--fork", "Reviewer:1", "--edit", str(edited))
    assert (ended.returncode, ended.stdout) == (0, "The lake is deep.\n"), ended.stderr
    assert "forked at Reviewer, call 1, with an edited reply" in ended.stderr
    assert "0 lines unplayed" in ended.stderr


def test_a_fork_goes_on_live_and_records_what_it_gets(tape: Path, tmp_path: Path) -> None:
    edit = tmp_path / "edit.json"
    edit.write_text(json.dumps({"content": "How cold?"}))
    with live_endpoint(*OTHER) as live:
        ended = fork(
            tape,
            *("--fork", "Reviewer:1", "--edit", str(edit)),
            *("--live", "--upstream", live.base_url),
        )
        exchanges = live.ledger.exchanges
    assert (ended.returncode, ended.stdout) == (0, "The lake is cold.\n"), ended.stderr
    assert len(exchanges) == 2
    answers = tape.with_name("run.Reviewer-1.jsonl")
    assert f"2 live answers recorded on {answers}" in ended.stderr

    offline = fork(tape, "--fork", "Reviewer:1", "--edit", str(edit), "--tape", str(answers))
    assert (offline.returncode, offline.stdout) == (0, "The lake is cold.\n"), offline.stderr
    assert f"went on with {answers}" in offline.stderr


def test_nothing_goes_live_before_the_fork(tape: Path) -> None:
    with live_endpoint(*RUN) as live:
        ended = fork(tape, "--fork", "Reviewer:2", "--live", "--upstream", live.base_url)
        lanes = [exchange.request["messages"][-1]["content"] for exchange in live.ledger.exchanges]
    assert ended.returncode == 0, ended.stderr
    assert lanes == ["The lake is 8 m deep."]


def test_a_fork_that_is_not_reached_fails(tape: Path, edited: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.py"
    short.write_text("print('asks nothing')")
    ended = run_in_subprocess(
        *("replay", str(tape), "--fork", "Reviewer:2", "--edit", str(edited), "--json"),
        *("--", forking_python(), str(short)),
    )
    report = json.loads(ended.stdout)
    assert (ended.returncode, report["fork"], report["fork_reached"]) == (1, "Reviewer:2", False)
    assert len(report["unplayed"]) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fork", "Reviwer:1", "--live"], 'no lane "Reviwer"; did you mean "Reviewer", with 2'),
        (["--fork", "Reviewer:3", "--live"], "has 2 exchanges, so there is no call 3"),
        (["--fork", "Reviewer", "--live"], "--fork expects LANE:CALL"),
        (["--fork", "Reviewer:1"], "says where, not how"),
        (["--fork", "Reviewer:1", "--live", "--tape", "x"], "exclude each other"),
        (["--fork", "Reviewer:1", "--edit", "nowhere"], "nowhere: cannot be read"),
        (["--live"], "need the call to fork at"),
    ],
)
def test_a_fork_that_makes_no_sense_is_explained(
    tape: Path, options: list[str], message: str
) -> None:
    ended = run_command("", "replay", str(tape), *options, "--", *command())
    assert (ended.exit_code, message in " ".join(ended.stderr.split())) == (2, True), ended.stderr


def test_the_trace_marks_the_call_at_which_it_forks(tape: Path, edited: Path, store: str) -> None:
    ended = run_in_subprocess(
        *("replay", str(tape), "--fork", "Reviewer:1", "--edit", str(edited), "--"),
        *(forking_python(), "-m", "scenarios", "trace", "--store", store),
        *("--tag", "test=fork", str(PROGRAM)),
        OPENAI_API_KEY="unused",
    )
    assert ended.returncode == 0, ended.stderr
    trace = _find_trace(store)
    marks = [one.span.attributes.get("flight_recorder.fork") for one in list_completions(trace)]
    assert marks == [None, "Reviewer:1"]


def _find_trace(store: str) -> Trace:
    import mlflow

    client = mlflow.MlflowClient(store)
    experiments = [one.experiment_id for one in client.search_experiments()]
    found = client.search_traces(experiments, filter_string="tags.test = 'fork'")
    return fetch_run(found[0].info.tags["flight_recorder.run"], store)
