"""Without the packages of the extras, everything that does not need them can be imported."""

import subprocess
import sys

import pytest

from scenarios.cli.exits import EXTRAS
from tests.docs.documents import ROOT

pytestmark = pytest.mark.long

BROUGHT_BY_MLFLOW = {"numpy", "starlette", "uvicorn"}
"""Packages of the extras that MLflow itself cannot do without."""
ABSENT = sorted(EXTRAS.keys() - BROUGHT_BY_MLFLOW)
BLOCK_EXTRAS = f"import sys; sys.modules.update(dict.fromkeys({ABSENT}))"


def run_without_extras(program: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in a process in which no package of an extra can be imported."""
    command = [sys.executable, "-c", f"{BLOCK_EXTRAS}\n{program}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)


@pytest.mark.parametrize(
    "module",
    ["scenarios.cli.app", "flight_recorder.testing", "flight_recorder.pytest_plugin"],
)
def test_a_module_needs_no_extra(module: str) -> None:
    ended = run_without_extras(f"import {module}")
    assert ended.returncode == 0, ended.stderr


def test_a_command_names_the_extra_that_it_needs() -> None:
    ended = run_without_extras(
        "sys.argv = ['flight-recorder', 'serve', 'docs/tapes/hello.jsonl']\n"
        "from scenarios.cli.app import main; main()"
    )
    assert ended.returncode == 2, ended.stderr
    assert 'pip install "agent-flight-recorder[' in ended.stderr
