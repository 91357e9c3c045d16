"""A sandbox: it runs code in a restricted process, and returns its output and how it ended."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import RawIOBase
from pathlib import Path
from typing import Any

from workflows.support.sandbox import launcher
from workflows.support.sandbox.backends import Backend, FileView
from workflows.support.sandbox.limits import Limits

PYTHON = str(getattr(sys, "_base_executable", None) or sys.executable)
"""The interpreter outside of a virtual environment: code sees the standard library only."""
COMMANDS = {
    "python": (PYTHON, "/tmp/code.py"),
    "sh": ("/bin/sh", "/tmp/code.sh"),
    "bash": ("/bin/bash", "/tmp/code.sh"),
}
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/work",
    "LANG": "C.UTF-8",
    "PYTHONPATH": "/work",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""The whole environment of the code. The caller's, with its keys, is not passed on."""
EXIT_CODE_TIMEOUT = 124
"""The exit code of coreutils' `timeout`."""


class SandboxError(Exception):
    """Raised when the sandbox itself fails. The code was not run, or its end is unknown."""


@dataclass(frozen=True)
class Execution:
    """How code ended.

    Attributes:
        exit_code: Its exit code, or 128 and the number of the signal that ended it.
        output: What it printed, stdout and stderr in their order, at most `output_bytes` long.
        ended_by: The limit that ended it, such as "wall_s"; None if it ended by itself.
        cpu_s: Processor time; 0.0 if the sandbox stopped it.
        wall_s: Elapsed time.
    """

    exit_code: int
    output: str
    ended_by: str | None
    cpu_s: float
    wall_s: float


@dataclass(frozen=True)
class Sandbox:
    """Runs code that sees its own folder as `/work`, and neither network, other files nor keys.

    sandbox = Sandbox(Path("work"), find_backend(), Limits(wall_s=5))
    execution = await sandbox.run("python", "print(6 * 7)")

    Attributes:
        folder: The code's own folder. Started by root, the sandbox gives it to the user nobody.
        read_only: More paths that the code may read, such as a data set.
    """

    folder: Path
    backend: Backend
    limits: Limits = field(default_factory=Limits)
    read_only: Sequence[Path] = ()

    async def run(self, language: str, code: str) -> Execution:
        """Run code until it ends or reaches a limit. If this is cancelled, the code is killed.

        Raises `ValueError` for an unknown language, and `SandboxError`.
        """
        if language not in COMMANDS:
            raise ValueError(f"the language {language!r} is not one of {', '.join(COMMANDS)}")
        started_s = time.monotonic()
        output = bytearray()
        ended_by: str | None = None
        status_read, status_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        with tempfile.TemporaryDirectory() as root, os.fdopen(status_read, "rb", 0) as status:
            view = FileView.of_system(self.folder, self.read_only)
            process = await self._start(view, status_write)
            try:
                async with asyncio.timeout(self.limits.wall_s):
                    await self._send(process, self._request(language, code, view, root))
                    ended_by = await self._read_output(process, output)
            except TimeoutError:
                ended_by = "wall_s"
            finally:
                await _kill(process)
            report = _read_report(status)
        text = output.decode(errors="replace")
        return self._build_execution(report, text, ended_by, time.monotonic() - started_s)

    async def _start(self, view: FileView, status_fd: int) -> asyncio.subprocess.Process:
        """Start the launcher in namespaces of its own. The status pipe is closed here."""
        try:
            source = await asyncio.to_thread(Path(launcher.__file__).read_text, "utf-8")
            return await asyncio.create_subprocess_exec(
                *self.backend.command(view, self.limits.memory_bytes),
                *(PYTHON, "-I", "-S", "-c", source, str(status_fd)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd="/",
                env={},
                pass_fds=(status_fd,),
                start_new_session=True,
            )
        finally:
            os.close(status_fd)

    def _request(self, language: str, code: str, view: FileView, root: str) -> dict[str, Any]:
        command = COMMANDS[language]
        return {
            "command": command,
            "code": code,
            "code_file": command[1],
            "environment": ENVIRONMENT,
            "limits": asdict(self.limits),
            "root": "" if self.backend.builds_root else root,
            "folder": str(view.folder),
            "read_only": view.read_only,
            "links": view.links,
            "uid": self.backend.uid,
        }

    async def _send(self, process: asyncio.subprocess.Process, request: Mapping[str, Any]) -> None:
        """Send the request. stdin stays open: the launcher ends when this program does."""
        assert process.stdin
        process.stdin.write(json.dumps(request).encode() + b"\n")
        with contextlib.suppress(ConnectionError):  # the launcher failed, and has printed why
            await process.stdin.drain()

    async def _read_output(
        self, process: asyncio.subprocess.Process, output: bytearray
    ) -> str | None:
        """Read the output to its end, or to the limit, which is then returned."""
        assert process.stdout
        while chunk := await process.stdout.read(65536):
            output += chunk
            if len(output) > self.limits.output_bytes:
                del output[self.limits.output_bytes :]
                return "output_bytes"
        return None

    def _build_execution(
        self, report: Mapping[str, Any], output: str, ended_by: str | None, wall_s: float
    ) -> Execution:
        if ended_by is not None:  # the sandbox was killed, and did not report
            return Execution(EXIT_CODE_TIMEOUT, output, ended_by, 0.0, wall_s)
        if "exit_code" not in report:
            problem = "ended without a report" if report else "could not be set up"
            raise SandboxError(f"the sandbox ({self.backend.name}) {problem}: {output}")
        exit_code, killed_by, cpu_s = report["exit_code"], report["killed_by"], report["cpu_s"]
        ended_by = self.limits.find_reached(exit_code, killed_by, cpu_s, output)
        return Execution(
            128 + killed_by if killed_by else exit_code, output, ended_by, cpu_s, wall_s
        )


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill the sandbox with all that runs in it, if it has not ended, and wait for its end.

    asyncio waits for the end of the output, too, which must be read for that.
    """
    with contextlib.suppress(ProcessLookupError):
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    while await process.stdout.read(65536):
        pass
    await process.wait()


def _read_report(status: RawIOBase) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for line in (status.read() or b"").splitlines():
        report |= json.loads(line)
    return report
