"""An environment: a folder with a Python and the packages of a cell, built on demand and kept."""

import json
import os
import re
import shutil
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path
from time import perf_counter, time
from typing import Any

from integrations.environments import requirements as lines
from integrations.environments.installed_packages import disk_usage, installed_versions
from integrations.environments.resolution import PROJECT_LOCK_PATH, environment_digest, resolve
from integrations.environments.uv import InstallError, count_downloads, install_packages, run_uv

ENVIRONMENTS_FOLDER = Path(__file__).parent.parent.parent / ".envs"
MATRIX_FOLDER = ENVIRONMENTS_FOLDER / "cells"
METADATA_FILE = "environment.json"
MAX_UNUSED_S = 7 * 24 * 3600.0
"""How long an environment that nobody asks for is kept, once its cell has come to another set."""


@dataclass(frozen=True)
class Environment:
    """What was built. `packages` are versions by name; times in seconds, sizes in bytes.

    `fetched` of its packages had to be downloaded or built; with none, uv had them all and the
    build was warm. Of `disk_bytes`, `own_bytes` are its alone: the rest it shares with uv's cache.
    """

    folder: Path
    packages: Mapping[str, str]
    took_s: float
    fetched: int
    disk_bytes: int
    own_bytes: int

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"


def build_environment(
    name: str,
    requirements: Sequence[str],
    environments_folder: Path = MATRIX_FOLDER,
    preferred_lock: Path | None = PROJECT_LOCK_PATH,
) -> Environment:
    """The environment of these requirements: the one that stands, or a new one.

    One whose requirements name a file or a folder of this machine is built anew when that changes.
    For `prefer` see `resolved`. Raises `NotInstallable`, and `NoRequirement` for a line that is
    none.
    """
    wanted = [lines.parse_requirement(line) for line in requirements]
    try:
        pinned = resolve(wanted, environments_folder / "resolved", preferred_lock)
        folder = environments_folder / f"{folder_name(name)}-{environment_digest(pinned)}"
        with _exclusive_lock(folder):
            if not (folder / METADATA_FILE).exists():
                _build(folder, pinned)
            os.utime(folder)
        _remove_outdated(folder)
        return Environment(folder, **json.loads((folder / METADATA_FILE).read_text("utf-8")))
    except OSError as error:
        raise InstallError(
            f"{Path(error.filename or environments_folder).name}: {error.strerror}; environments are kept in"
            f" {environments_folder.parent.name}/{environments_folder.name}, which must be a folder with room, and writable"
        ) from error


def prebuilt_environment(name: str) -> Environment:
    """One that `make NAME-env` built. Raises `NotInstallable` where it is not there."""
    folder = ENVIRONMENTS_FOLDER / name
    if not (folder / "ready").exists():
        raise InstallError(f"the environment {name} has not been built: make {name}-env")
    return Environment(folder, installed_versions(folder), 0.0, 0, *disk_usage(folder))


def current_environment() -> Environment:
    """The one that this runs in: .venv, with what the lock pins."""
    folder = Path(sys.prefix)
    return Environment(folder, installed_versions(folder), 0.0, 0, *disk_usage(folder))


def folder_name(name: str) -> str:
    """A name as that of a folder."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:60] or "cell"


@contextmanager
def _exclusive_lock(folder: Path) -> Generator[None]:
    """Wait until no other process builds this folder; the system lets go when a holder dies."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as held:
        flock(held, LOCK_EX)
        yield


def _build(folder: Path, pinned: Sequence[str]) -> None:
    """Build it beside, and put it into its place when it is whole: a cut build leaves no place.

    Bytecode is left to the first import: a cell imports a fraction of what is installed.
    """
    for left in folder.parent.glob(f"{folder.name}.*.part"):
        shutil.rmtree(left, ignore_errors=True)
    # a name of its own: the uv of a builder that was killed may be at work for a while
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    try:
        about = _install_packages(part, pinned)
        (part / METADATA_FILE).write_text(json.dumps(about, indent=1), "utf-8")
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _install_packages(part: Path, pinned: Sequence[str]) -> dict[str, Any]:
    """Make the environment there, and say what is to be known about it."""
    started = perf_counter()
    run_uv("venv", "--quiet", "--relocatable", "--python", sys.executable, part)
    # two packages may hold the same file, as mlflow and mlflow-skinny do: yours is to stand
    yours = [each for each in pinned if lines.parse_requirement(each).url]
    rest = [each for each in pinned if each not in yours]
    said = "".join(
        install_packages(part / "bin" / "python", each) for each in (rest, yours) if each
    )
    took_s = round(perf_counter() - started, 2)
    disk, own = disk_usage(part)
    return {
        "packages": installed_versions(part),
        "took_s": took_s,
        "fetched": count_downloads(said),
        "disk_bytes": disk,
        "own_bytes": own,
    }


def _remove_outdated(folder: Path) -> None:
    """Remove what the same cell came to before: its folder, or the newest version, moves on; and
    what a kill left of it half built."""
    cell = folder.name.rpartition("-")[0]
    for other in folder.parent.glob(f"{cell}-{'?' * 12}*"):
        was = re.fullmatch(r"[0-9a-f]{12}(\.\d+\.part)?", other.name.removeprefix(f"{cell}-"))
        if was and other != folder and time() - other.stat().st_mtime > MAX_UNUSED_S:
            shutil.rmtree(other, ignore_errors=True)
