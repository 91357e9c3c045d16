"""Count the bytes that were sent on a connection of this machine and that its client has not read.

Linux lists the queues of both ends of a connection in /proc/net/tcp; on other systems, only the
bytes that have not left this process are known. Source: `man 5 proc`, /proc/net/tcp.
"""

import asyncio
import socket
import struct
from pathlib import Path

SOCKET_TABLE = Path("/proc/net/tcp")
Address = tuple[str, int]


def count_unread_bytes(transport: asyncio.Transport) -> int:
    """Return how many bytes the client has not read; bytes of which nothing is known count as 0."""
    unsent = transport.get_write_buffer_size()
    server, client = (transport.get_extra_info(name) for name in ("sockname", "peername"))
    if not server or not client:
        return unsent
    try:
        table = SOCKET_TABLE.read_bytes()
    except OSError:
        return unsent
    sending, _ = _queues(table, server, client)
    _, received = _queues(table, client, server)
    return unsent + sending + received


def _queues(table: bytes, local: Address, remote: Address) -> tuple[int, int]:
    """Return the sizes of a socket's send and receive queues; zeros if it is not in the table."""
    addresses = b" %b %b " % (_to_hex(local), _to_hex(remote))
    start = table.find(addresses)
    if start < 0:
        return 0, 0
    _, queues, *_ = table[start + len(addresses) :][:40].split()
    sending, _, received = queues.partition(b":")
    return int(sending, 16), int(received, 16)


def _to_hex(address: Address) -> bytes:
    host, port = address
    (number,) = struct.unpack("=I", socket.inet_aton(host))
    return b"%08X:%04X" % (number, port)
