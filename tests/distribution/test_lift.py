"""Lifted instrumentation works in a project that has nothing else of this repository."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.documents import ROOT

pytestmark = pytest.mark.long

PROGRAM = """
import mlflow, sys
with enable_tracing("sqlite:///lifted.db"), record_run() as run:
    mlflow.start_span_no_context("step").end()
print(run.traces()[0].info.state)
print({name.partition(".")[0] for name in sys.modules} & {"patches", "instrumentation"})
"""


def test_lifted_packages_trace_a_program(tmp_path: Path) -> None:
    lift = [sys.executable, "-m", "distribution.lift", "my_app/tracing", "--root", str(tmp_path)]
    printed = subprocess.run(
        lift, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()
    assert printed == "from my_app.tracing.instrumentation import enable_tracing"
    ended = subprocess.run(
        [sys.executable, "-c", f"{printed}, record_run\n{PROGRAM}"],
        cwd=tmp_path,
        env={name: os.environ[name] for name in os.environ if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ended.stdout.splitlines() == ["OK", "set()"], ended.stderr
