"""A `python` for tests that start programs: it forks them from a process with imported frameworks.

Use its path in the place of `sys.executable`. What a program starts by its own `sys.executable`
is forked, too. Keep `sys.executable` where a test is about the start of a process, about process
groups or a terminal, or about what is imported.
"""

import atexit
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tests.support.forks.program import PROJECT

CLIENT = Path(__file__).with_name("client.py")
START_TIMEOUT_S = 90


@cache
def forking_python() -> str:
    """The path of the `python`, whose server starts now and ends with this process."""
    folder = Path(mkdtemp(prefix="forking-python-"))
    python = folder / "python"
    python.write_text(f"#!{sys.executable} -IS\n{CLIENT.read_text()}")
    python.chmod(0o755)
    socket = folder / "socket"
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.support.forks.server", socket],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=variables,
        cwd=PROJECT,
    )
    atexit.register(server.communicate)  # closes stdin and waits
    deadline = time.monotonic() + START_TIMEOUT_S
    while not socket.exists():
        assert server.poll() is None, "the fork server has ended"
        assert time.monotonic() < deadline, "the fork server does not start"
        time.sleep(0.05)
    return str(python)
