"""The installer: uv, found and run, and its own reason in plain words where it says no."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from integrations.environments import requirements as lines

UV_NOT_FOUND = (
    "environments of the matrix are built with uv, and there is none beside this Python or on "
    "PATH: `make check` builds .venv, which brings it"
)
STOP_SIGNALS = (-signal.SIGINT, -signal.SIGTERM)
"""How uv ends where a signal ends it: one that a terminal, or a CI, sends to all of a group."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NOISE = re.compile(r"^\s*(warning:.*|Resolved \d+ packages? in .*)$", re.MULTILINE)
_CAUSE = re.compile(r"[:\s]*[├╰]─▶\s*")
_FRAME = re.compile(r"[×│]+|^\s*(error|cause):", re.MULTILINE)
_NO_SOLUTION = re.compile(r"\s*No solution found when resolving dependencies(?: for [^:]*)?:?\s*")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s`'\"<>]+")
_PATH = re.compile(r"(?<![\w.…/~-])~?(?:/[\w.@+~%-]+){2,}/?")
_FETCHED = re.compile(r"^\s*Prepared (\d+) packages?", re.MULTILINE)


class InstallError(Exception):
    """Raised when an environment cannot be had; the text is the resolver's own reason.

    `conflict` says that the requirements exclude each other, so that trying again is no use; else
    it may be the network's fault.
    """

    def __init__(self, reason: str, conflict: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_conflict = conflict


def run_uv(*arguments: str | Path, stdin_lines: Sequence[str] = ()) -> str:
    """Run uv, with `told` as the lines of its stdin: what it says on stderr.

    Raises `NotInstallable`, and `KeyboardInterrupt` where what stops this program stopped uv.
    """
    done = subprocess.run(
        [find_uv(), *map(str, arguments)],
        input="\n".join(stdin_lines),
        env={"UV_SYSTEM_CERTS": "1"} | os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode in STOP_SIGNALS:
        raise KeyboardInterrupt
    if done.returncode < 0:
        raise InstallError(f"uv was ended by {signal.Signals(-done.returncode).name}")
    if done.returncode:
        raise InstallError(
            simplify_uv_error(done.stderr), conflict="No solution found" in done.stderr
        )
    return done.stderr


def install_packages(python: Path, pinned: Sequence[str]) -> str:
    """Install these packages, and nothing that they require, for a Python: what uv says of it.

    Raises `NotInstallable`.
    """
    read = ((each, lines.local_path(each)) for each in map(lines.parse_requirement, pinned))
    # uv would take a folder for unchanged as long as its pyproject.toml is
    refresh = [f"--refresh-package={each.name}" for each, at in read if at and at.is_dir()]
    to = ("--no-deps", "--python", python, "-r", "-")
    return run_uv("pip", "install", *refresh, *to, stdin_lines=pinned)


def find_uv() -> Path:
    """Where uv is: beside this Python, else on PATH. Raises `NotInstallable`."""
    beside = Path(sys.executable).parent / "uv"
    if beside.exists():
        return beside
    elsewhere = shutil.which("uv")
    if elsewhere is None:
        raise InstallError(UV_NOT_FOUND)
    return Path(elsewhere)


def count_downloads(output: str) -> int:
    """How many packages had to be downloaded or built, by what uv said; the rest it had."""
    return sum(map(int, _FETCHED.findall(_COLOURS.sub("", output))))


def simplify_uv_error(output: str) -> str:
    """What uv said as one paragraph, with neither addresses nor the machine's paths in it.

    Of each, its last part stays, so that one sees what was meant. A password goes with the rest.
    """
    text = _NOISE.sub("", _COLOURS.sub("", output))
    text = _NO_SOLUTION.sub(" ", _CAUSE.sub(": ", _FRAME.sub(" ", text)))
    text = _PATH.sub(_last_part, _ADDRESS.sub(_last_part, text))
    return " ".join(text.split()).removeprefix(": ") or "uv gave no reason"


def _last_part(match: re.Match[str]) -> str:
    address = re.split(r"[?#]", match[0])[0].rstrip("/")
    *before, last = address.split("/")
    trailing = "," if last.endswith(",") else ""
    return "an address" + trailing if before[-1:] == [""] else f"…/{last}"
