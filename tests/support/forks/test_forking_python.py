"""A forked program behaves as it does in plain Python."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.forks.forking_python import forking_python
from tests.support.forks.program import PROJECT

pytestmark = pytest.mark.long

SCRIPT = """
import sys
import time
print(sys.argv, sys.path, __name__, __file__, sys.stdin.read())
print("to stderr", file=sys.stderr)
sys.exit(sys.argv[1])
"""
WAITING = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"


def run(python: str, folder: Path, *arguments: str) -> tuple[int, str, str]:
    ended = subprocess.run(
        [python, *arguments], cwd=folder, input="typed", capture_output=True, text=True, timeout=60
    )
    return ended.returncode, ended.stdout, ended.stderr.replace(python, "python")


@pytest.mark.parametrize(
    "arguments",
    [
        ("program.py", "7", "--flag"),
        ("-m", "program", "a message"),
        ("-m", "missing"),
        ("-u", "-c", "import sys; print(sys.argv, sys.path[0]); sys.exit(3)", "x"),
        ("-c", "raise ValueError('its own')"),
        ("-c", "raise KeyboardInterrupt"),
        ("-c", "not Python"),
        ("-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"),
        ("-c", "import atexit; atexit.register(print, 'at exit'); print('before')"),
        ("-c", "import threading; threading.Thread(target=print, args=['in a thread']).start()"),
        ("-c", "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1)'])"),
        ("-c", "import scenarios"),
        ("-X", "utf8", "-c", "print(1)"),
    ],
    ids=" ".join,
)
def test_it_prints_and_ends_as_in_plain_python(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "program.py").write_text(SCRIPT)
    plain = run(sys.executable, tmp_path, *arguments)
    assert run(forking_python(), tmp_path, *arguments) == plain


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_it(number: signal.Signals) -> None:
    with subprocess.Popen([forking_python(), "-c", WAITING], stdout=-1, stderr=-1) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(20) == -number


def test_it_ends_if_its_client_is_killed() -> None:
    with subprocess.Popen([forking_python(), "-c", WAITING], stdout=-1, text=True) as process:
        assert process.stdout
        process_id = int(process.stdout.readline())
        process.kill()
        assert process.stdout.read() == ""  # its end of the pipe is closed
    deadline = time.monotonic() + 20
    while Path(f"/proc/{process_id}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_imports_of_the_server_are_not_repeated(tmp_path: Path) -> None:
    program = "import sys; print([one in sys.modules for one in ('mlflow', 'crewai', 'scenarios')])"
    assert run(forking_python(), tmp_path, "-c", program)[1] == "[True, True, False]\n"
    assert run(forking_python(), PROJECT, "-c", program)[1] == "[True, True, True]\n"
