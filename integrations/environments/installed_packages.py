"""The contents of an environment's folder: its packages, and how many bytes they are."""

import os
from importlib.metadata import distributions
from pathlib import Path

from packaging.utils import canonicalize_name


def installed_versions(folder: Path) -> dict[str, str]:
    """The version of each package there, by its name as an index spells it."""
    sites = [str(site) for site in folder.glob("lib/python3*/site-packages")]
    found = ((canonicalize_name(each.name), each.version) for each in distributions(path=sites))
    return dict(sorted(found))


def disk_usage(folder: Path) -> tuple[int, int]:
    """The bytes of its files, and of those that no other folder shares by a hard link."""
    disk = own = 0
    for here, _, files in os.walk(folder):
        for each in files:
            stat = os.lstat(os.path.join(here, each))
            disk += stat.st_size
            own += stat.st_size if stat.st_nlink == 1 else 0
    return disk, own
