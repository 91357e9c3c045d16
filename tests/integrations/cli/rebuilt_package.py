"""Rebuilds an installed package as a wheel of another version, with a text in it replaced."""

import base64
import hashlib
import sys
from importlib.metadata import distributions
from pathlib import Path
from zipfile import ZipFile


def rebuild_wheel(
    name: str, version: str, old: str, new: str, folder: Path, environment: Path = Path(sys.prefix)
) -> Path:
    """Write a wheel of the package `name` in which each `old` is replaced by `new`.

    The package must be installed in `environment`. Raises `LookupError` if it has no `old`.
    """
    sites = [str(site) for site in environment.glob("lib/python3*/site-packages")]
    (installed,) = distributions(name=name, path=sites)
    stem = name.replace("-", "_")
    info = f"{stem}-{installed.version}.dist-info"
    wheel = folder / f"{stem}-{version}-py3-none-any.whl"
    rows, found = [], False
    with ZipFile(wheel, "w") as packed:
        for file in installed.files or ():
            path = str(file)
            if path.endswith((".pyc", "RECORD", "INSTALLER", "REQUESTED")) or ".." in path:
                continue
            content = Path(str(file.locate())).read_bytes()
            if path == f"{info}/METADATA":
                old_version, new_version = f"Version: {installed.version}", f"Version: {version}"
                content = content.replace(old_version.encode(), new_version.encode(), 1)
            elif old.encode() in content:
                content, found = content.replace(old.encode(), new.encode()), True
            path = path.replace(info, f"{stem}-{version}.dist-info")
            packed.writestr(path, content)
            rows.append(f"{path},{_digest(content)},{len(content)}")
        packed.writestr(f"{stem}-{version}.dist-info/RECORD", "\n".join([*rows, ""]))
    if not found:
        raise LookupError(f"{name} {installed.version} has no {old!r}")
    return wheel


def _digest(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    return f"sha256={digest}"
