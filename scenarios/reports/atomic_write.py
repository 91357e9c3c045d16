"""Replace a file atomically: a killed process leaves the old or the new content."""

import os
from pathlib import Path


class FileNotWrittenError(Exception):
    """A file could not be written; its previous content is unchanged."""


def write_atomically(path: Path, text: str) -> None:
    """Write `text` to a temporary file beside `path`, then rename it to `path`.

    Halves of surrogate pairs, which no file can hold, are written as question marks.

    Raises:
        FileNotWrittenError: Writing failed, or `path` or its folder is a symbolic link, through
            which the text would be written elsewhere.
    """
    for link in (path, path.parent):
        if link.is_symlink():
            raise FileNotWrittenError(
                f"{link}: is a symbolic link, and nothing is written through links; remove it"
            )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(exist_ok=True)
        temporary.unlink(missing_ok=True)
        with temporary.open("x", encoding="utf-8", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise FileNotWrittenError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)
