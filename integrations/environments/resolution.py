"""A resolution: the whole set of packages that requirements come to, each at its one version."""

import platform
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement

from integrations.environments import requirements as lines
from integrations.environments.uv import run_uv
from scenarios.atomic_write import write_atomically

PROJECT_LOCK_PATH = Path(__file__).parent.parent.parent / "requirements.lock"


def resolve(
    requirements: Sequence[Requirement],
    cache_folder: Path,
    preferred_lock: Path | None = PROJECT_LOCK_PATH,
) -> tuple[str, ...]:
    """The set, a line a package, as pip takes it.

    Where a choice is left, the version is that of the lock `prefer`, so that two sets differ in
    what they must; without one, the newest that the index gives today. What it came to is kept, and
    needs no index the next time; but not the newest, nor what a file, a folder or a branch holds.
    Raises `NotInstallable`, with the resolver's own reason.
    """
    asked = sorted(map(str, requirements))
    preferred = preferred_lock.read_text("utf-8") if preferred_lock else ""
    kept = cache_folder / f"{lines.hash_lines([*asked, preferred, *platform_key()])[:16]}.txt"
    keep = preferred_lock is not None and not any(each.url for each in requirements)
    if keep and kept.exists():
        return tuple(kept.read_text("utf-8").splitlines())
    found = _compile_with_uv(asked, preferred)
    if keep:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, found)
    return tuple(found.splitlines())


def environment_digest(pinned: Iterable[str]) -> str:
    """Twelve digits that stand for a set on this machine's Python, and for the files it names."""
    paths = filter(None, (lines.local_path(lines.parse_requirement(line)) for line in pinned))
    return lines.hash_lines([*pinned, *platform_key(), *map(lines.fingerprint, paths)])[:12]


def platform_key() -> tuple[str, str]:
    """What wheels depend on besides their names."""
    return (platform.python_version(), sys.platform)


def _compile_with_uv(requirements: Sequence[str], preferred: str) -> str:
    """uv keeps to the versions that stand in its output file already, where it can."""
    with TemporaryDirectory() as scratch:
        pinned = Path(scratch, "pinned.txt")
        pinned.write_text(preferred, "utf-8")
        run_uv(
            *("pip", "compile", "-", "--python", sys.executable, "--no-header", "--no-annotate"),
            *("--quiet", "--output-file", pinned),
            stdin_lines=requirements,
        )
        return pinned.read_text("utf-8")
