"""Replace a file atomically: a killed process leaves the old or the new content."""

import os
from pathlib import Path


class FileNotWrittenError(Exception):
    """A file could not be written; its previous content is unchanged."""


def write_atomically(path: Path, text: str) -> None:
    """Write `text` to a temporary file beside `path`, then rename it to `path`.

    Halves of surrogate pairs, which no file can hold, are written as question marks.

    Raises:
        FileNotWrittenError: Writing failed; `path` or its folder is a symbolic link, through which
            the text would be written elsewhere; or `path` is no file, such as a device.
    """
    try:
        _require_replaceable(path)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        path.parent.mkdir(exist_ok=True)
        try:
            temporary.unlink(missing_ok=True)
            with temporary.open("x", encoding="utf-8", errors="replace") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileNotWrittenError(f"{path}: cannot be written ({reason})") from error


def is_special_file(path: Path) -> bool:
    """Whether a path is a folder, device or pipe, which no file may replace."""
    return path.exists() and not path.is_file()


def _require_replaceable(path: Path) -> None:
    for link in (path, path.parent):
        if link.is_symlink():
            raise FileNotWrittenError(
                f"{link}: is a symbolic link, and nothing is written through links; remove it"
            )
    if is_special_file(path):
        kind = "a folder" if path.is_dir() else "a device or a pipe, which a file would replace"
        raise FileNotWrittenError(f"{path}: cannot be written (it is {kind}); name a file")
