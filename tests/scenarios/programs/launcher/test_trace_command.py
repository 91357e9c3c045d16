"""`trace` runs a program as plain Python does, and leaves its traces in the store."""

import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from instrumentation.trace.lookup import fetch_trace
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.docs.documents import ROOT
from tests.support.cli_runner import run_command
from tests.support.forks.forking_python import forking_python
from tests.support.new_store import new_store

pytestmark = pytest.mark.long

PROGRAM = """
import json, os, signal, subprocess, sys

def call_model():
    from openai import OpenAI  # late, as programs do
    messages = [{"role": "user", "content": "Hello"}]
    return OpenAI().chat.completions.create(model="gpt-4o-mini", messages=messages)

if __name__ == "__main__":
    how = sys.argv[1]
    if how == "describe":
        paths = [path for path in sys.path if path != os.environ.get("CHECKOUT")]
        print(json.dumps([sys.argv, __name__, __file__, paths, os.environ.get("PYTHONPATH")]))
    if how == "record_run":
        from flight_recorder import enable_tracing, record_run
        with enable_tracing(), record_run({"customer": "42"}) as run:
            call_model()
        print(len(run.traces()))
    elif how == "start_child":
        subprocess.run([sys.executable, "program.py", "call"], check=True)
    else:
        call_model()
    if how == "exit":
        sys.exit(7)
    if how == "raise":
        raise ValueError("an error of the program")
    if how in ("SIGTERM", "SIGINT"):
        os.kill(os.getpid(), getattr(signal, how))
    if how == "_exit":
        os._exit(7)
    if how == "exec":
        for file in ("missing", sys.executable):
            try:
                os.execvp(file, [file, "-c", "raise SystemExit('another program')"])
            except FileNotFoundError:
                pass  # the program goes on, still traced
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the program, and with a package that has a name of the repository's."""
    (tmp_path / "program.py").write_text(PROGRAM)
    new_store(tmp_path, "traces.db")
    return tmp_path


def run_python(
    folder: Path, *arguments: str, python: str = sys.executable
) -> "subprocess.CompletedProcess[str]":
    """Run `python ARGUMENTS` in the folder, with an endpoint that answers one completion."""
    with replay_tape(Tape.load(ROOT / "docs/tapes/hello.jsonl")) as replay:
        endpoint = {"OPENAI_BASE_URL": replay.base_url, "OPENAI_API_KEY": "unused"}
        return subprocess.run(
            [python, *arguments],
            cwd=folder,
            env=os.environ | endpoint | {"PYTHONPATH": str(ROOT), "CHECKOUT": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=100,
        )


def trace(folder: Path, *arguments: str, python: str = "") -> "subprocess.CompletedProcess[str]":
    """Run `trace ARGUMENTS` with a store in the folder, in forks if no Python is named."""
    command = ("-m", "scenarios", "trace", "--store", store_of(folder), *arguments)
    return run_python(folder, *command, python=python or forking_python())


def store_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'traces.db'}"


def printed_ids(stderr: str) -> list[str]:
    """The ids of the traces that the command has printed."""
    return [line.split()[2].rstrip(",") for line in stderr.splitlines() if ": trace " in line]


@pytest.mark.parametrize("program", [["program.py"], ["-m", "program"]], ids=["script", "module"])
def test_a_program_finds_what_it_finds_in_plain_python(folder: Path, program: list[str]) -> None:
    plain = run_python(folder, *program, "describe", "--store", "x")
    python = sys.executable if program == ["program.py"] else ""
    traced = trace(folder, *program, "describe", "--store", "x", python=python)
    assert json.loads(traced.stdout)[0][1:] == ["describe", "--store", "x"]
    assert (traced.returncode, traced.stdout) == (0, plain.stdout)
    (trace_id,) = printed_ids(traced.stderr)
    assert fetch_trace(trace_id, store_of(folder)).spans_of_type("LLM")


@pytest.mark.parametrize("end", ["exit", "raise", "SIGTERM", "SIGINT", "_exit", "exec"])
def test_a_program_ends_as_in_plain_python_and_its_trace_is_stored(folder: Path, end: str) -> None:
    plain = run_python(folder, "program.py", end)
    traced = trace(folder, "program.py", end)
    assert plain.returncode not in (0, 2)
    assert (traced.returncode, traced.stdout) == (plain.returncode, plain.stdout)
    own = [line for line in traced.stderr.splitlines() if not line.startswith("flight-recorder: ")]
    assert own == plain.stderr.splitlines()
    (trace_id,) = printed_ids(traced.stderr)
    assert fetch_trace(trace_id, store_of(folder)).spans_of_type("LLM")


def test_spans_that_are_open_at_an_abrupt_exit_are_errors(folder: Path) -> None:
    (folder / "open_span.py").write_text(
        "import mlflow, os\nwith mlflow.start_span('work'):\n    os._exit(3)"
    )
    traced = trace(folder, "open_span.py")
    assert traced.returncode == 3
    (trace_id,) = printed_ids(traced.stderr)
    assert fetch_trace(trace_id, store_of(folder)).root.status == "ERROR"


def test_the_traces_have_the_tags_and_the_links_lead_to_them(folder: Path) -> None:
    traced = trace(folder, "--tag", "release=1.4", "--experiment", "trials", "program.py", "call")
    (trace_id,) = printed_ids(traced.stderr)
    info = mlflow.MlflowClient(store_of(folder)).get_trace(trace_id).info
    assert info.tags["release"] == "1.4"
    assert f"#/experiments/{info.experiment_id}/traces?selectedEvaluationId={trace_id}" in (
        traced.stderr
    )
    assert f"mlflow server --backend-store-uri {store_of(folder)}" in traced.stderr


def test_programs_that_it_starts_are_traced_only_with_children(folder: Path) -> None:
    without = trace(folder, "program.py", "start_child")
    assert (without.returncode, printed_ids(without.stderr)) == (0, [])
    assert "no trace" in without.stderr
    with_children = trace(folder, "--children", "program.py", "start_child")
    (trace_id,) = printed_ids(with_children.stderr)
    assert fetch_trace(trace_id, store_of(folder)).spans_of_type("LLM")


def test_a_sitecustomize_of_the_user_still_runs(folder: Path) -> None:
    (folder / "own").mkdir()
    (folder / "own" / "sitecustomize.py").write_text("import builtins; builtins.OWN = 'loaded'")
    (folder / "shows.py").write_text("import sitecustomize; print(OWN, sitecustomize.__file__)")
    command = [sys.executable, "-m", "scenarios", "trace", "--store", store_of(folder), "shows.py"]
    paths = os.pathsep.join([str(folder / "own"), str(ROOT)])
    ended = subprocess.run(
        command, cwd=folder, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True
    )
    assert ended.stdout.split() == ["loaded", str(folder / "own" / "sitecustomize.py")], ended


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.py"], "missing.py: there is no such file in "),
        (["missing_command"], "missing_command: there is no such file or command"),
        (["--sotre", "x", "program.py"], "no such option: --sotre"),
        (["-m"], "no such option: -m"),
        (["--tag", "release", "program.py"], "--tag expects KEY=VALUE"),
    ],
)
def test_a_wrong_command_line_is_rejected(folder: Path, arguments: list[str], message: str) -> None:
    ended = run_command(store_of(folder), "trace", *arguments)
    assert ended.exit_code == 2
    assert message in " ".join(ended.stderr.split())


def test_a_program_that_records_its_own_run_is_found(folder: Path) -> None:
    ended = trace(folder, "program.py", "record_run")
    assert (ended.returncode, ended.stdout) == (0, "1\n"), ended.stderr
    (trace_id,) = printed_ids(ended.stderr)
    assert fetch_trace(trace_id, store_of(folder)).spans_of_type("LLM")
    assert not (folder / "mlflow.db").exists()
