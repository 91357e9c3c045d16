"""The sandbox, with the real restrictions of this machine: what code tries, and what it gets."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import find_sandbox
from workflows.support.sandbox import Limits, Sandbox, SandboxUnavailableError, find_backend
from workflows.support.sandbox.backends import Backend, namespaces

pytestmark = pytest.mark.long

SECRET = "canary-7d1f"
HEARTBEAT = """
import time
while True:
    with open("beats.txt", "a") as file:
        file.write("x")
    time.sleep(0.02)
"""
PARENT = """
import asyncio, sys
from pathlib import Path
from workflows.support.sandbox import Limits, Sandbox, find_backend
sandbox = Sandbox(Path(sys.argv[1]), find_backend(), Limits(wall_s=60))
asyncio.run(sandbox.run("python", sys.argv[2]))
"""


@pytest.fixture(params=["default", "user namespace"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """The backend of this machine, and the one that its users have if root runs the tests."""
    found = find_sandbox()
    if isinstance(found, str):
        pytest.skip(found)
    if request.param == "default":
        return found
    if os.geteuid() != 0:
        pytest.skip("the user that runs the tests is not root: its backend is the default")
    user_backend = namespaces(is_root=False)
    assert isinstance(user_backend, Backend)
    return user_backend


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The working folder; beside it lies a file that is none of the code's business."""
    (tmp_path / "canary.txt").write_text(SECRET)
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def sandbox(folder: Path, backend: Backend) -> Sandbox:
    return Sandbox(folder, backend, Limits(wall_s=20.0))


async def test_honest_code_works_in_its_folder_and_prints(sandbox: Sandbox, folder: Path) -> None:
    (folder / "rows.csv").write_text("a\nb\n")
    code = "n = len(open('rows.csv').readlines())\nopen('n.txt', 'w').write(str(n))\nprint(n)"
    execution = await sandbox.run("python", code)
    assert (execution.exit_code, execution.output, execution.ended_by) == (0, "2\n", None)
    assert (folder / "n.txt").read_text() == "2"


async def test_a_shell_script_works(sandbox: Sandbox) -> None:
    assert (await sandbox.run("sh", "echo $((6 * 7)); exit 3")).output == "42\n"


@pytest.mark.parametrize(
    "code",
    [
        "print(open('../canary.txt').read())",
        "print(open('{canary}').read())",
        "import os; os.symlink('{canary}', 'link'); print(open('link').read())",
        "print(open('/proc/1/root{canary}').read())",
        "import os; os.link('{canary}', 'link'); print(open('link').read())",
        "import os; print(os.open('/proc/self/cwd/../canary.txt', os.O_RDONLY))",
    ],
    ids=["parent", "absolute", "symlink", "proc-root", "hardlink", "proc-cwd"],
)
async def test_a_file_outside_is_not_there(sandbox: Sandbox, folder: Path, code: str) -> None:
    canary = folder.parent / "canary.txt"
    execution = await sandbox.run("python", code.replace("{canary}", str(canary)))
    assert execution.exit_code == 1, execution.output
    assert SECRET not in execution.output
    assert canary.read_text() == SECRET


@pytest.mark.parametrize(
    "path", ["/etc/canary", "/usr/canary", "/canary", "/proc/sys/kernel/domainname"]
)
async def test_nothing_outside_can_be_written(sandbox: Sandbox, path: str) -> None:
    execution = await sandbox.run("python", f"open({path!r}, 'w').write('x')")
    assert execution.exit_code == 1
    assert "Read-only file system" in execution.output or "Permission denied" in execution.output


async def test_keys_of_the_environment_are_nowhere(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    code = """
import glob, os
print(dict(os.environ))
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    try:
        print(path, open(path).read())
    except OSError as error:
        print(error)
"""
    execution = await sandbox.run("python", code)
    assert execution.exit_code == 0, execution.output
    assert "HOME" in execution.output
    assert SECRET not in execution.output


async def test_code_has_no_capability_and_cannot_mount(sandbox: Sandbox) -> None:
    code = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print("mount", libc.mount(b"none", b"/work", b"tmpfs", 0, None))
print("hostname", libc.sethostname(b"x", 1))
"""
    output = (await sandbox.run("python", code)).output
    assert output == "mount -1\nhostname -1\n"


async def test_there_is_no_network(sandbox: Sandbox) -> None:
    """A server on this machine is not reached, nor any other address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        code = f"""
import socket
for address in ("127.0.0.1", {port}), ("192.0.2.1", 80):
    try:
        socket.create_connection(address, timeout=2)
        print("connected")
    except OSError as error:
        print("refused")
"""
        assert (await sandbox.run("python", code)).output == "refused\nrefused\n"


@pytest.mark.parametrize(
    ("code", "limits", "ended_by"),
    [
        ("import time; time.sleep(60)", Limits(wall_s=1.0), "wall_s"),
        ("while True: pass", Limits(wall_s=30.0, cpu_s=1), "cpu_s"),
        (
            "import signal\nfor number in (2, 15, 24):\n    signal.signal(number, signal.SIG_IGN)\n"
            "while True: pass",
            Limits(wall_s=60.0, cpu_s=1),
            "cpu_s",
        ),
        ("data = bytearray(1 << 30)", Limits(memory_bytes=256 << 20), "memory_bytes"),
        ("while True: print('y' * 1000)", Limits(output_bytes=10_000), "output_bytes"),
        ("open('big', 'wb').write(bytes(2 << 20))", Limits(file_bytes=1 << 20), "file_bytes"),
        ("import os\nwhile True: os.fork()", Limits(processes=8), "processes"),
    ],
    ids=["wall", "cpu", "ignored-signals", "memory", "output", "file", "fork-bomb"],
)
async def test_a_limit_ends_the_code_and_is_named(
    folder: Path, backend: Backend, code: str, limits: Limits, ended_by: str
) -> None:
    if ended_by == "processes" and os.geteuid() == 0 and backend.uid is None:
        pytest.skip("no limit of processes binds root, so root has a backend of its own")
    execution = await Sandbox(folder, backend, limits).run("python", code)
    assert execution.ended_by == ended_by, execution.output
    assert execution.exit_code != 0
    assert len(execution.output.encode()) <= limits.output_bytes


async def test_code_may_have_as_many_processes_as_the_limit_says(
    folder: Path, backend: Backend
) -> None:
    code = "import subprocess\nfor _ in range(3): subprocess.Popen(['sleep', '9'])\nprint('four')"
    execution = await Sandbox(folder, backend, Limits(processes=4)).run("python", code)
    assert execution.output == "four\n"


async def test_a_child_in_the_background_does_not_outlive_the_code(
    sandbox: Sandbox, folder: Path
) -> None:
    code = f"import os\nif os.fork() == 0:\n    os.setsid()\n    exec({HEARTBEAT!r})\n"
    wait = "import time\nwhile not os.path.exists('beats.txt'): time.sleep(0.01)\n"
    execution = await sandbox.run("python", code + wait)
    assert execution.exit_code == 0, execution.output
    assert execution.wall_s < 15
    _assert_no_heartbeat(folder)


async def test_code_ends_when_its_run_is_cancelled(sandbox: Sandbox, folder: Path) -> None:
    running = asyncio.ensure_future(sandbox.run("python", HEARTBEAT))
    while not (folder / "beats.txt").exists():  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    _assert_no_heartbeat(folder)


def test_code_ends_when_the_program_that_started_it_is_killed(
    folder: Path, project_root: Path
) -> None:
    if isinstance(reason := find_sandbox(), str):
        pytest.skip(reason)
    program = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder), HEARTBEAT], cwd=project_root
    )
    deadline = time.monotonic() + 30
    while not (folder / "beats.txt").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    program.send_signal(signal.SIGKILL)
    program.wait(10)
    time.sleep(0.3)  # the launcher sees that stdin is closed
    _assert_no_heartbeat(folder)


async def test_an_unknown_language_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="'ruby' is not one of python, sh, bash"):
        await sandbox.run("ruby", "puts 1")


def test_without_a_backend_nothing_runs_and_the_reason_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    message = r"nothing was run: bwrap is not installed; unshare is not installed.*apt-get install"
    with pytest.raises(SandboxUnavailableError, match=message):
        find_backend()


def test_a_backend_that_this_machine_forbids_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "unshare"
    program.write_text("#!/bin/sh\necho unshare failed: Operation not permitted >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailableError, match="unshare: unshare failed: Operation not"):
        find_backend()


def _assert_no_heartbeat(folder: Path) -> None:
    """No process writes to the file any more."""
    beats = (folder / "beats.txt").stat().st_size
    time.sleep(0.2)
    assert (folder / "beats.txt").stat().st_size == beats
