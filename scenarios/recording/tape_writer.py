"""Append lines to a tape file, each completely or not at all."""

import os
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO

from scenarios.tape.tape import TapeError


def open_tape(path: Path) -> BinaryIO:
    """Open a tape to append to it, unbuffered. A new one is private: prompts are on it."""

    def open_private(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600)

    return open(path, "a+b", buffering=0, opener=open_private)


class TapeWriter:
    """Appends lines to a tape; `errors` lists why lines could not be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.errors: list[str] = []

    def append(self, line: bytes) -> bool:
        """Append a complete line, or nothing: a line that does not fit on the disk is removed.

        Returns whether it was written.
        """
        try:
            with open_tape(self._path) as tape:
                end = tape.seek(0, SEEK_END)
                tape.seek(max(0, end - 1))
                left = (b"" if tape.read() in (b"", b"\n") else b"\n") + line + b"\n"
                try:
                    while left:
                        left = left[tape.write(left) :]
                except OSError:
                    tape.truncate(end)
                    raise
        except OSError as error:
            self.errors.append(error.strerror or str(error))
            return False
        return True

    def raise_errors(self) -> None:
        """Raise `TapeError` if lines could not be written."""
        if self.errors:
            raise TapeError(
                f"{self._path}: {len(self.errors)} of the answers could not be written to the tape"
                f" ({self.errors[0]}); remove the cause and record it again"
            )
