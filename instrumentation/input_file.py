"""Read a file that a user names: a regular file, or a pipe to which something is written.

`/dev/stdin` and the shell's `<(command)` are pipes. Reading a pipe that nobody writes to would wait
without end, and so would some devices.
"""

import os
import stat
import time
from pathlib import Path

PIPE_TIMEOUT_S = 2.0
"""How long a pipe may take to be opened by what writes to it; that may then take its time."""
POLL_INTERVAL_S = 0.02
CHUNK_BYTES = 65536
KINDS = {
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFDIR: "a folder",
}


class UnreadableFileError(OSError):
    """A file is of a kind that cannot be read here. `strerror` says which, and what is expected."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.strerror = reason


def read_input_file(path: Path | str) -> bytes:
    """Return the content of a file.

    Raises:
        UnreadableFileError: It is a socket, a device, a folder, or a pipe that is never written to.
        OSError: It cannot be read for another reason.
    """
    if stat.S_ISFIFO(os.stat(path).st_mode):
        return _read_pipe(path)
    require_regular_file(path)
    return Path(path).read_bytes()


def read_input_text(path: Path | str) -> str:
    """Return the content of a UTF-8 file, without its byte order mark, with `\\n` as line ends.

    Raises:
        OSError: As `read_input_file` raises it.
        UnicodeDecodeError: It is not UTF-8.
    """
    text = read_input_file(path).decode("utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def require_regular_file(path: Path | str) -> None:
    """Raise `UnreadableFileError` for a file that is no regular one; `OSError` if there is none."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise UnreadableFileError(f"it is {file_kind(mode)}; give a regular file")


def file_kind(mode: int) -> str:
    """Return what a file that is no regular one is, as "a pipe"; `mode` is its `st_mode`."""
    return KINDS.get(stat.S_IFMT(mode), "no regular file")


def _read_pipe(path: Path | str) -> bytes:
    # To open a pipe for reading would wait for one who writes.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as pipe:
        first = _read_first_chunk(pipe.fileno())
        os.set_blocking(pipe.fileno(), True)
        return first + pipe.readall()


def _read_first_chunk(pipe: int) -> bytes:
    """Return what has been written to a pipe; b"" if that is still to come."""
    deadline_s = time.monotonic() + PIPE_TIMEOUT_S
    while time.monotonic() < deadline_s:
        try:
            chunk = os.read(pipe, CHUNK_BYTES)
        except BlockingIOError:  # something has opened it to write
            return b""
        if chunk:
            return chunk
        time.sleep(POLL_INTERVAL_S)  # an end without data means that nothing has opened it yet
    raise UnreadableFileError(
        f"it is a pipe, and nothing was written to it for {PIPE_TIMEOUT_S:g} s; give a regular file"
    )
