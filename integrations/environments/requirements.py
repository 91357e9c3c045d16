"""Requirement lines: parsed, named, displayed and fingerprinted."""

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
"""Folders of a source tree into which tools write. A build must not change its fingerprint."""


class RequirementError(Exception):
    """A line is not a usable requirement; the text says how to write it."""


def parse_requirement(line: str) -> Requirement:
    """Parse a requirement line; a path to a wheel, an sdist or a folder gets its package's name.

    Raises:
        RequirementError: The line is not a requirement, or names a path that does not exist.
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
            f"{requirement.name}: there is no file or folder"
            f" {unquote(urlsplit(requirement.url or '').path)}"
        )
    return requirement


def package_name(requirement: Requirement) -> str:
    return str(canonicalize_name(requirement.name))


def local_path(requirement: Requirement) -> Path | None:
    """Return the file or folder of this machine that a requirement is installed from, if any."""
    if not requirement.url or not requirement.url.startswith("file:"):
        return None
    path = Path(unquote(urlsplit(requirement.url).path))
    return path if path.exists() else None


def display_requirement(requirement: Requirement) -> str:
    """Return a requirement for display. Only the last part of a URL stays: it may hold secrets."""
    if requirement.url is None:
        return str(requirement)
    last = urlsplit(requirement.url).path.rstrip("/").rpartition("/")[2]
    return f"{requirement.name} @ {unquote(last)}"


def fingerprint(path: Path) -> str:
    """Return a hash that changes when a file, or a source file in a folder, changes.

    It covers the bytes of a file. Of a folder it covers names, sizes and modification times,
    because a source tree may be large.
    """
    if path.is_file():
        return sha256(path.read_bytes()).hexdigest()
    return hash_lines(sorted(_file_stamps(path)))


def hash_lines(lines: Iterable[str]) -> str:
    """Return the SHA-256 of these lines, in hexadecimal."""
    return sha256("\n".join(lines).encode()).hexdigest()


def pinned_versions(lines: Sequence[str]) -> dict[str, str]:
    """Return the version that a lock pins for each package. Markers are ignored."""
    versions: dict[str, str] = {}
    for line in lines:
        package, equals, rest = line.partition("==")
        if equals and not package[:1].isspace():
            name = canonicalize_name(package.partition("[")[0])
            versions[name] = rest.split()[0].rstrip(";")
    return versions


def _file_stamps(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        is_top = Path(parent) == folder
        generated = GENERATED_FOLDERS | GENERATED_TOP_FOLDERS if is_top else GENERATED_FOLDERS
        folders[:] = [each for each in folders if each not in generated and "egg-info" not in each]
        for each in files:
            path = Path(parent, each)
            stat = path.lstat()
            yield f"{path.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}"


def _name_from_path(path: Path) -> str:
    """Return the name of the package in a file or folder. Raises `RequirementError`."""
    try:
        if path.suffix == ".whl":
            return parse_wheel_filename(path.name)[0]
        if path.is_file():
            return parse_sdist_filename(path.name)[0]
        project = tomllib.loads((path / "pyproject.toml").read_text("utf-8"))
        return str(project["project"]["name"])
    except (InvalidWheelFilename, InvalidSdistFilename, OSError, ValueError, KeyError):
        raise RequirementError(
            f"{path.name} does not name its package: write NAME @ file:///…/{path.name}"
        ) from None


def _syntax_help(line: str) -> str:
    return (
        f"{line!r} is neither a requirement nor the path of an existing wheel or folder: write "
        "NAME==VERSION, a path, NAME @ file:///… or NAME @ git+…"
    )
