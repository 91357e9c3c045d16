"""Build virtual environments on demand, reuse them, and find those that exist already."""

import json
import os
import re
import shutil
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from importlib.metadata import distributions
from pathlib import Path
from time import perf_counter, time
from typing import Any

from packaging.utils import canonicalize_name

from integrations.environments.requirements import parse_requirement
from integrations.environments.resolution import PROJECT_LOCK_PATH, environment_digest, resolve
from integrations.environments.uv import InstallError, count_downloads, install_packages, run_uv

ENVIRONMENTS_FOLDER = Path(__file__).parent.parent.parent / ".envs"
MATRIX_FOLDER = ENVIRONMENTS_FOLDER / "matrix"
METADATA_FILE = "environment.json"
MAX_UNUSED_S = 7 * 24 * 3600.0
"""How long an outdated environment is kept after its last use."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment.

    Attributes:
        packages: Installed versions by name.
        build_s: The duration of the build in seconds.
        downloaded_packages: How many packages were downloaded or built; the rest was cached.
        disk_bytes: The size of its files.
        unshared_bytes: The size of the files that it does not share with uv's cache.
    """

    folder: Path
    packages: Mapping[str, str]
    build_s: float
    downloaded_packages: int
    disk_bytes: int
    unshared_bytes: int

    @property
    def python(self) -> Path:
        """The path of its Python interpreter."""
        return self.folder / "bin" / "python"


def build_environment(
    name: str,
    requirements: Sequence[str],
    environments_folder: Path = MATRIX_FOLDER,
    preferred_lock: Path | None = PROJECT_LOCK_PATH,
) -> Environment:
    """Return the environment of these requirements, built if it does not exist.

    It is built again if a local file or folder that it is installed from has changed. For
    `preferred_lock` see `resolve`.

    Raises:
        InstallError: The environment cannot be built.
        RequirementError: A line is not a requirement.
    """
    parsed = [parse_requirement(line) for line in requirements]
    try:
        pinned = resolve(parsed, environments_folder / "resolved", preferred_lock)
        folder = environments_folder / f"{folder_name(name)}-{environment_digest(pinned)}"
        with _exclusive_lock(folder):
            if not (folder / METADATA_FILE).exists():
                _build(folder, pinned)
            os.utime(folder)
        _remove_outdated(folder)
        metadata = json.loads((folder / METADATA_FILE).read_text("utf-8"))
        return Environment(folder, **metadata)
    except OSError as error:
        raise InstallError(
            f"{Path(error.filename or environments_folder).name}: {error.strerror}; environments"
            f" are kept in {environments_folder.parent.name}/{environments_folder.name}, which must"
            " be a writable folder with free space"
        ) from error


def find_environment(name: str = "") -> Environment:
    """Return the environment that `make NAME-env` has built, or without a name the current one.

    Raises:
        InstallError: It has not been built.
    """
    folder = ENVIRONMENTS_FOLDER / name if name else Path(sys.prefix)
    if name and not (folder / "ready").exists():
        raise InstallError(f"the environment {name} has not been built: make {name}-env")
    return Environment(folder, installed_versions(folder), 0.0, 0, *disk_usage(folder))


def folder_name(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:60] or "environment"


def installed_versions(folder: Path) -> dict[str, str]:
    """Return the version of each package in an environment, by its canonical name."""
    sites = [str(site) for site in folder.glob("lib/python3*/site-packages")]
    found = ((canonicalize_name(each.name), each.version) for each in distributions(path=sites))
    return dict(sorted(found))


def disk_usage(folder: Path) -> tuple[int, int]:
    """Return the bytes of a folder's files, and of those not shared by a hard link."""
    total = unshared = 0
    for parent, _, files in os.walk(folder):
        for each in files:
            stat = os.lstat(os.path.join(parent, each))
            total += stat.st_size
            unshared += stat.st_size if stat.st_nlink == 1 else 0
    return total, unshared


@contextmanager
def _exclusive_lock(folder: Path) -> Generator[None]:
    """Wait until no other process builds this folder. The lock ends with the process."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


def _build(folder: Path, pinned: Sequence[str]) -> None:
    """Build in a temporary folder and rename that, so that an interrupted build leaves nothing.

    Bytecode is left to the first import, because a case imports a fraction of what is installed.
    """
    for leftover in folder.parent.glob(f"{folder.name}.*.part"):
        shutil.rmtree(leftover, ignore_errors=True)
    # The name has the process id: the uv of a killed build may still be writing to its folder.
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    try:
        metadata = _install(part, pinned)
        (part / METADATA_FILE).write_text(json.dumps(metadata, indent=1), "utf-8")
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _install(part: Path, pinned: Sequence[str]) -> dict[str, Any]:
    """Create an environment there, and return the fields of its `Environment`."""
    start = perf_counter()
    run_uv("venv", "--quiet", "--relocatable", "--python", sys.executable, part)
    # Two packages may contain the same file, as mlflow and mlflow-skinny do. That of a package
    # given by the user must win, so it is installed last.
    given = [each for each in pinned if parse_requirement(each).url]
    others = [each for each in pinned if each not in given]
    python = part / "bin" / "python"
    output = "".join(install_packages(python, each) for each in (others, given) if each)
    build_s = round(perf_counter() - start, 2)
    disk_bytes, unshared_bytes = disk_usage(part)
    return {
        "packages": installed_versions(part),
        "build_s": build_s,
        "downloaded_packages": count_downloads(output),
        "disk_bytes": disk_bytes,
        "unshared_bytes": unshared_bytes,
    }


def _remove_outdated(folder: Path) -> None:
    """Remove unused older environments of the same name, and what interrupted builds left."""
    name = folder.name.rpartition("-")[0]
    for other in folder.parent.glob(f"{name}-{'?' * 12}*"):
        suffix = other.name.removeprefix(f"{name}-")
        is_environment = re.fullmatch(r"[0-9a-f]{12}(\.\d+\.part)?", suffix)
        if is_environment and other != folder and time() - other.stat().st_mtime > MAX_UNUSED_S:
            shutil.rmtree(other, ignore_errors=True)
