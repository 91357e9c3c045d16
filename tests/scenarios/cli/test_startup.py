"""Ctrl-C while a command imports its modules prints a sentence, not a traceback."""

import signal
import subprocess
import sys

import pytest


def start_importing(module: str) -> subprocess.Popen[str]:
    """A command in the middle of its imports, which it prints to stderr one by one."""
    running = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", module, "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    for line in running.stderr:
        if "typer" in line:
            break
    return running


@pytest.mark.parametrize("module", ["integrations", "scenarios"])
def test_ctrl_c_during_imports_prints_a_sentence(module: str) -> None:
    running = start_importing(module)
    running.send_signal(signal.SIGINT)
    output, errors = running.communicate(timeout=20)
    assert (running.returncode, output) == (130, "")
    assert errors.endswith("\nstopped before the command started\n")
    assert "Traceback" not in errors


def test_little_is_imported_before_ctrl_c_is_handled() -> None:
    program = (
        "import sys; before = set(sys.modules); import scenarios.cli.early_interrupt;"
        " print(*sorted(sys.modules.keys() & {'re', 'logging', 'tempfile', 'typer'} - before))"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "\n"


def test_a_background_command_ignores_ctrl_c() -> None:
    program = (
        "import os, signal\n"
        "from scenarios.cli.early_interrupt import exit_on_early_interrupt\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "with exit_on_early_interrupt(): os.kill(os.getpid(), signal.SIGINT)\n"
        "print('continued')"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "continued\n"
