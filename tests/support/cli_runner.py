"""Run `python -m scenarios …` in this process, where MLflow is imported, or in a new one."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from scenarios.cli.app import main
from tests.support.forks.forking_python import forking_python


@dataclass(frozen=True)
class CommandResult:
    """The exit code and the output of a command."""

    exit_code: int
    stdout: str
    stderr: str


def run_command(store: str, *arguments: str, **environment: str) -> CommandResult:
    """Run a command on a store, through its entry point `main()`.

    It takes seconds less than a process of its own, which imports the frameworks again.
    """
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patched:
        for name, value in ({"MLFLOW_TRACKING_URI": store} | environment).items():
            patched.setenv(name, value)
        patched.setattr(sys, "argv", ["scenarios", *arguments])
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
    return CommandResult(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def run_in_subprocess(
    *arguments: str, store: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m scenarios …` in a process of its own."""
    return subprocess.run(
        [forking_python(), "-m", "scenarios", *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        env=os.environ | {"MLFLOW_TRACKING_URI": store} | environment,
    )
