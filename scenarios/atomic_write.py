"""A whole file: written beside its place and then put there, so that a kill leaves the old or the
new one, and never half of either."""

import os
from pathlib import Path


class FileNotWrittenError(Exception):
    """Raised when a file cannot be written, and the one that was there is left as it was."""


def write_atomically(path: Path, text: str) -> None:
    """Put `text` at `path`. `NotWritten` where that fails, or would write elsewhere, by a link."""
    for link in (path, path.parent):
        if link.is_symlink():
            raise FileNotWrittenError(
                f"{link}: is a link, and nothing is written elsewhere; remove it"
            )
    half = path.with_name(f".{path.name}.{os.getpid()}.half")
    try:
        path.parent.mkdir(exist_ok=True)
        half.unlink(missing_ok=True)
        with half.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError as error:
        raise FileNotWrittenError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        half.unlink(missing_ok=True)
