"""Watch which addresses a program and its children are connected to, on Linux.

A program that sets its base URL itself goes around the recording proxy. Its TCP connections are
looked up several times a second, so a client that keeps its connections open is seen.
"""

import os
import re
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

PROC = Path("/proc")
POLL_INTERVAL_S = 0.2
ESTABLISHED_STATE = "01"
SOCKET_LINK = re.compile(r"socket:\[(\d+)\]")


@contextmanager
def watch_connections(pid: int, own_port: int) -> Generator[set[str]]:
    """Collect the remote addresses of a process and its children until the block ends.

    Args:
        own_port: A port of this machine that is left out: the proxy's.

    Yields:
        The addresses, each "HOST:PORT"; complete after the block. Empty where there is no /proc.
    """
    found = set[str]()
    stopped = Event()

    def poll() -> None:
        while not stopped.wait(POLL_INTERVAL_S):
            found.update(_remote_addresses(pid))

    thread = Thread(target=poll, name="watch connections", daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stopped.set()
        thread.join()
        found.discard(f"127.0.0.1:{own_port}")


def _remote_addresses(root: int) -> Iterator[str]:
    """Yield the remote end of each established TCP connection of a process and its children."""
    for pid in _with_children(root):
        inodes = set(_socket_inodes(pid))
        for table in ("tcp", "tcp6"):
            with suppress(OSError):
                for line in (PROC / str(pid) / "net" / table).read_text().splitlines()[1:]:
                    fields = line.split()
                    if fields[3] == ESTABLISHED_STATE and fields[9] in inodes:
                        yield _decode_address(fields[2])


def _with_children(root: int) -> list[int]:
    """Return a process and all processes below it."""
    parents: dict[int, int] = {}
    with suppress(OSError):
        for name in os.listdir(PROC):
            if name.isdigit():
                with suppress(OSError, ValueError, IndexError):
                    stat = (PROC / name / "stat").read_text()
                    parents[int(name)] = int(stat.rpartition(")")[2].split()[1])
    family = [root]
    for pid in family:
        family.extend(child for child, parent in parents.items() if parent == pid)
    return family


def _socket_inodes(pid: int) -> Iterator[str]:
    folder = PROC / str(pid) / "fd"
    with suppress(OSError):
        for name in os.listdir(folder):
            with suppress(OSError):
                if link := SOCKET_LINK.fullmatch(os.readlink(folder / name)):
                    yield link[1]


def _decode_address(text: str) -> str:
    """Return the address of an entry such as `0100007F:1F90`; the words are in host order."""
    host, _, port = text.partition(":")
    raw = b"".join(bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8))
    if raw.startswith(b"\0" * 10 + b"\xff\xff"):
        raw = raw[12:]
    name = socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)
    return f"{name}:{int(port, 16)}" if len(raw) == 4 else f"[{name}]:{int(port, 16)}"
