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
from integrations.environments.installed_packages import installed, sizes
from integrations.environments.resolution import LOCK, digest, resolved
from integrations.environments.uv import NotInstallable, fetched, put, ran

ENVIRONMENTS = Path(__file__).parent.parent.parent / ".envs"
HOME = ENVIRONMENTS / "cells"
ABOUT = "environment.json"
KEPT_S = 7 * 24 * 3600.0
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


def built(
    name: str, asked: Sequence[str], home: Path = HOME, prefer: Path | None = LOCK
) -> Environment:
    """The environment of these requirements: the one that stands, or a new one.

    One whose requirements name a file or a folder of this machine is built anew when that changes.
    For `prefer` see `resolved`. Raises `NotInstallable`, and `NoRequirement` for a line that is
    none.
    """
    wanted = [lines.read(line) for line in asked]
    try:
        pinned = resolved(wanted, home / "resolved", prefer)
        folder = home / f"{slug(name)}-{digest(pinned)}"
        with _alone(folder):
            if not (folder / ABOUT).exists():
                _build(folder, pinned)
            os.utime(folder)
        _forget_before(folder)
        return Environment(folder, **json.loads((folder / ABOUT).read_text("utf-8")))
    except OSError as error:
        raise NotInstallable(
            f"{Path(error.filename or home).name}: {error.strerror}; environments are kept in"
            f" {home.parent.name}/{home.name}, which must be a folder with room, and writable"
        ) from error


def standing(name: str) -> Environment:
    """One that `make NAME-env` built. Raises `NotInstallable` where it is not there."""
    folder = ENVIRONMENTS / name
    if not (folder / "ready").exists():
        raise NotInstallable(f"the environment {name} has not been built: make {name}-env")
    return Environment(folder, installed(folder), 0.0, 0, *sizes(folder))


def locked() -> Environment:
    """The one that this runs in: .venv, with what the lock pins."""
    folder = Path(sys.prefix)
    return Environment(folder, installed(folder), 0.0, 0, *sizes(folder))


def slug(name: str) -> str:
    """A name as that of a folder."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:60] or "cell"


@contextmanager
def _alone(folder: Path) -> Generator[None]:
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
        about = _filled(part, pinned)
        (part / ABOUT).write_text(json.dumps(about, indent=1), "utf-8")
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _filled(part: Path, pinned: Sequence[str]) -> dict[str, Any]:
    """Make the environment there, and say what is to be known about it."""
    started = perf_counter()
    ran("venv", "--quiet", "--relocatable", "--python", sys.executable, part)
    # two packages may hold the same file, as mlflow and mlflow-skinny do: yours is to stand
    yours = [each for each in pinned if lines.read(each).url]
    rest = [each for each in pinned if each not in yours]
    said = "".join(put(part / "bin" / "python", each) for each in (rest, yours) if each)
    took_s = round(perf_counter() - started, 2)
    disk, own = sizes(part)
    return {
        "packages": installed(part),
        "took_s": took_s,
        "fetched": fetched(said),
        "disk_bytes": disk,
        "own_bytes": own,
    }


def _forget_before(folder: Path) -> None:
    """Remove what the same cell came to before: its folder, or the newest version, moves on; and
    what a kill left of it half built."""
    cell = folder.name.rpartition("-")[0]
    for other in folder.parent.glob(f"{cell}-{'?' * 12}*"):
        was = re.fullmatch(r"[0-9a-f]{12}(\.\d+\.part)?", other.name.removeprefix(f"{cell}-"))
        if was and other != folder and time() - other.stat().st_mtime > KEPT_S:
            shutil.rmtree(other, ignore_errors=True)
