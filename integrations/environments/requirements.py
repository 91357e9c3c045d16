"""Requirements: lines that say what is to be installed, as pip takes them, each with its name."""

import os
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

GENERATED_FOLDERS = {".git", ".hg", ".venv", "__pycache__", "node_modules"}
GENERATED_TOP_FOLDERS = {"build", "dist"}
"""Folders of a source tree in which tools leave things: a build of ours must not change it."""


class RequirementError(Exception):
    """Raised when a line names nothing that can be installed; says how to write it."""


def parse_requirement(line: str) -> Requirement:
    """A line as a requirement; a path to a wheel, an sdist or a folder gets the name that it has.

    Raises `NoRequirement`.
    """
    line = line.strip()
    path = Path(line.removeprefix("file://")).expanduser()
    if os.sep in line and path.exists():
        return Requirement(f"{_name_from_path(path)} @ {path.resolve().as_uri()}")
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        raise RequirementError(_syntax_help(line)) from None
    if (requirement.url or "").startswith("file:") and local_path(requirement) is None:
        raise RequirementError(
            f"there is no file or folder {unquote(urlsplit(requirement.url or '').path)},"
            f" from which {requirement.name} is to come"
        )
    return requirement


def package_name(requirement: Requirement) -> str:
    """Its name in the one spelling that an index knows."""
    return str(canonicalize_name(requirement.name))


def local_path(requirement: Requirement) -> Path | None:
    """The file or folder of this machine that it is installed from."""
    if not requirement.url or not requirement.url.startswith("file:"):
        return None
    path = Path(unquote(urlsplit(requirement.url).path))
    return path if path.exists() else None


def display_requirement(requirement: Requirement) -> str:
    """It for people: of an address the last part, for what stands before may be a secret."""
    if requirement.url is None:
        return str(requirement)
    last = urlsplit(requirement.url).path.rstrip("/").rpartition("/")[2]
    return f"{requirement.name} @ {unquote(last)}"


def fingerprint(path: Path) -> str:
    """What changes as a file, or any source file under a folder, changes.

    Of a file its bytes; of a folder the names, sizes and times of its files, for a source tree may
    be large. To touch a file there is to have it built again.
    """
    if path.is_file():
        return sha256(path.read_bytes()).hexdigest()
    return hash_lines(sorted(_file_stamps(path)))


def hash_lines(lines: Iterable[str]) -> str:
    """Sixty-four hexadecimal digits that stand for these lines in this order."""
    return sha256("\n".join(lines).encode()).hexdigest()


def pinned_versions(lines: Sequence[str]) -> dict[str, str]:
    """The version that a lock pins each package to, by its name; markers are not looked at."""
    pins: dict[str, str] = {}
    for line in lines:
        pinned, equals, rest = line.partition("==")
        if equals and not pinned[:1].isspace():
            spelt = canonicalize_name(pinned.partition("[")[0])
            pins[spelt] = rest.split()[0].rstrip(";")
    return pins


def _file_stamps(folder: Path) -> Iterator[str]:
    for here, folders, files in os.walk(folder):
        made = (
            GENERATED_FOLDERS | GENERATED_TOP_FOLDERS if Path(here) == folder else GENERATED_FOLDERS
        )
        folders[:] = [each for each in folders if each not in made and "egg-info" not in each]
        for each in files:
            path = Path(here, each)
            stat = path.lstat()
            yield f"{path.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}"


def _name_from_path(path: Path) -> str:
    """The name of what a path holds. Raises `NoRequirement`."""
    try:
        if path.suffix == ".whl":
            return parse_wheel_filename(path.name)[0]
        if path.is_file():
            return parse_sdist_filename(path.name)[0]
        project = tomllib.loads((path / "pyproject.toml").read_text("utf-8"))
        return str(project["project"]["name"])
    except (InvalidWheelFilename, InvalidSdistFilename, OSError, ValueError, KeyError):
        raise RequirementError(
            f"{path.name} does not say what package it holds: write NAME @ file:///…/{path.name}"
        ) from None


def _syntax_help(line: str) -> str:
    return (
        f"{line!r} is no requirement, nor a path to a wheel or a folder that is there: write "
        "NAME==VERSION, a path, NAME @ file:///… or NAME @ git+…"
    )
