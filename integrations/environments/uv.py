"""Run uv, and turn its error output into one plain sentence."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from integrations.environments.requirements import local_path, parse_requirement

UV_NOT_FOUND = (
    "uv is needed to build environments, and was found neither next to this Python nor on PATH: "
    "`make check` builds .venv, which has it"
)
STOP_SIGNALS = (-signal.SIGINT, -signal.SIGTERM)
"""Exit codes of uv if a terminal or a CI system stopped the whole process group."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NOISE = re.compile(r"^\s*(warning:.*|Resolved \d+ packages? in .*)$", re.MULTILINE)
_CAUSE = re.compile(r"[:\s]*[├╰]─▶\s*")
_FRAME = re.compile(r"[×│]+|^\s*(error|cause):", re.MULTILINE)
_NO_SOLUTION = re.compile(r"\s*No solution found when resolving dependencies(?: for [^:]*)?:?\s*")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s`'\"<>]+")
_PATH = re.compile(r"(?<![\w.…/~-])~?(?:/[\w.@+~%-]+){2,}/?")
_DOWNLOADS = re.compile(r"^\s*Prepared (\d+) packages?", re.MULTILINE)


class InstallError(Exception):
    """An environment is not available or cannot be built; the text is the resolver's reason."""


def run_uv(*arguments: str | Path, stdin_lines: Sequence[str] = ()) -> str:
    """Run uv and return its stderr.

    Raises:
        InstallError: uv failed.
        KeyboardInterrupt: The signal that stops this program has stopped uv.
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
        raise InstallError(f"uv was killed by {signal.Signals(-done.returncode).name}")
    if done.returncode:
        raise InstallError(simplify_uv_error(done.stderr))
    return done.stderr


def install_packages(python: Path, pinned: Sequence[str]) -> str:
    """Install packages without their dependencies and return uv's output. Raises `InstallError`."""
    requirements = [parse_requirement(line) for line in pinned]
    # uv treats a folder as unchanged as long as its pyproject.toml is.
    folders = [each.name for each in requirements if (path := local_path(each)) and path.is_dir()]
    refresh = [f"--refresh-package={name}" for name in folders]
    options = ("--no-deps", "--python", python, "-r", "-")
    return run_uv("pip", "install", *refresh, *options, stdin_lines=pinned)


def find_uv() -> Path:
    """Return uv's path: next to this Python, else on PATH. Raises `InstallError`."""
    beside = Path(sys.executable).parent / "uv"
    if beside.exists():
        return beside
    on_path = shutil.which("uv")
    if on_path is None:
        raise InstallError(UV_NOT_FOUND)
    return Path(on_path)


def count_downloads(output: str) -> int:
    """Return how many packages uv downloaded or built, from its output; the rest was cached."""
    return sum(map(int, _DOWNLOADS.findall(_COLOURS.sub("", output))))


def simplify_uv_error(output: str) -> str:
    """Return uv's error output as one paragraph without URLs, passwords and local paths.

    Of a URL or a path only the last part stays.
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
