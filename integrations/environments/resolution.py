"""Resolve requirements to a full set of pinned packages, with uv, and cache the result."""

import platform
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement

from integrations.environments.requirements import (
    fingerprint,
    hash_lines,
    local_path,
    parse_requirement,
)
from integrations.environments.uv import run_uv
from scenarios.reports.atomic_write import write_atomically

PROJECT_LOCK_PATH = Path(__file__).parent.parent.parent / "requirements.lock"


def resolve(
    requirements: Sequence[Requirement],
    cache_folder: Path,
    preferred_lock: Path | None = PROJECT_LOCK_PATH,
) -> tuple[str, ...]:
    """Return the pinned packages, one requirement line each.

    Where the requirements leave a choice, the version of `preferred_lock` is taken, so that two
    sets differ only where they must. Without a preferred lock, the newest versions of the index are
    taken. A cached result needs no index. Newest versions, and requirements with a URL, are not
    cached.

    Raises:
        InstallError: The requirements cannot be resolved.
    """
    lines = sorted(map(str, requirements))
    preferred = preferred_lock.read_text("utf-8") if preferred_lock else ""
    cached = cache_folder / f"{hash_lines([*lines, preferred, *platform_key()])[:16]}.txt"
    uses_cache = preferred_lock is not None and not any(each.url for each in requirements)
    if uses_cache and cached.exists():
        return tuple(cached.read_text("utf-8").splitlines())
    resolved = _compile_with_uv(lines, preferred)
    if uses_cache:
        cached.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(cached, resolved)
    return tuple(resolved.splitlines())


def environment_digest(pinned: Iterable[str]) -> str:
    """Return 12 digits for a set of packages, this machine's Python, and the local files used."""
    pinned = list(pinned)
    paths = filter(None, (local_path(parse_requirement(line)) for line in pinned))
    return hash_lines([*pinned, *platform_key(), *map(fingerprint, paths)])[:12]


def platform_key() -> tuple[str, str]:
    """Return what the choice of wheels depends on besides their versions."""
    return (platform.python_version(), sys.platform)


def _compile_with_uv(lines: Sequence[str], preferred: str) -> str:
    """Run `uv pip compile`, which keeps versions of its existing output file where it can."""
    with TemporaryDirectory() as scratch:
        pinned = Path(scratch, "pinned.txt")
        pinned.write_text(preferred, "utf-8")
        run_uv(
            *("pip", "compile", "-", "--python", sys.executable, "--no-header", "--no-annotate"),
            *("--quiet", "--output-file", pinned),
            stdin_lines=lines,
        )
        return pinned.read_text("utf-8")
