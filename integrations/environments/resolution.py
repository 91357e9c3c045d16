"""A resolution: the whole set of packages that requirements come to, each at its one version."""

import platform
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement

from integrations.environments import requirements as lines
from integrations.environments.uv import ran
from scenarios.atomic_write import write

LOCK = Path(__file__).parent.parent.parent / "requirements.lock"


def resolved(
    wanted: Sequence[Requirement], kept_in: Path, prefer: Path | None = LOCK
) -> tuple[str, ...]:
    """The set, a line a package, as pip takes it.

    Where a choice is left, the version is that of the lock `prefer`, so that two sets differ in
    what they must; without one, the newest that the index gives today. What it came to is kept, and
    needs no index the next time; but not the newest, nor what a file, a folder or a branch holds.
    Raises `NotInstallable`, with the resolver's own reason.
    """
    asked = sorted(map(str, wanted))
    preferred = prefer.read_text("utf-8") if prefer else ""
    kept = kept_in / f"{lines.digest([*asked, preferred, *machine()])[:16]}.txt"
    keep = prefer is not None and not any(each.url for each in wanted)
    if keep and kept.exists():
        return tuple(kept.read_text("utf-8").splitlines())
    found = _asked_of_uv(asked, preferred)
    if keep:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write(kept, found)
    return tuple(found.splitlines())


def digest(pinned: Iterable[str]) -> str:
    """Twelve digits that stand for a set on this machine's Python, and for the files it names."""
    paths = filter(None, (lines.local(lines.read(line)) for line in pinned))
    return lines.digest([*pinned, *machine(), *map(lines.fingerprint, paths)])[:12]


def machine() -> tuple[str, str]:
    """What wheels depend on besides their names."""
    return (platform.python_version(), sys.platform)


def _asked_of_uv(asked: Sequence[str], preferred: str) -> str:
    """uv keeps to the versions that stand in its output file already, where it can."""
    with TemporaryDirectory() as scratch:
        pinned = Path(scratch, "pinned.txt")
        pinned.write_text(preferred, "utf-8")
        ran(
            *("pip", "compile", "-", "--python", sys.executable, "--no-header", "--no-annotate"),
            *("--quiet", "--output-file", pinned),
            told=asked,
        )
        return pinned.read_text("utf-8")
