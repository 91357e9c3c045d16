"""A command that Ctrl-C meets as it starts says so, and shows no import."""

import signal
import subprocess
import sys

import pytest


def started(module: str) -> subprocess.Popen[str]:
    """A command in the midst of its imports, of which it tells one by one on stderr."""
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
def test_ctrl_c_among_the_imports_ends_it_with_a_sentence(module: str) -> None:
    running = started(module)
    running.send_signal(signal.SIGINT)
    shown, said = running.communicate(timeout=20)
    assert (running.returncode, shown) == (130, "")
    assert said.endswith("\nstopped before anything began\n")
    assert "Traceback" not in said


def test_a_command_that_its_shell_sent_to_the_background_is_not_stopped() -> None:
    program = (
        "import os, signal\n"
        "from scenarios.cli.startup import starting\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "with starting(): os.kill(os.getpid(), signal.SIGINT)\n"
        "print('went on')"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "went on\n"
