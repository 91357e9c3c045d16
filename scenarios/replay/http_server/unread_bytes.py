"""Count the bytes that were sent on a connection of this machine and that its client has not read.

Linux tells the queues of both ends of a connection; on other systems, only the bytes that have not
left this process are known. Source: `man 7 sock_diag`.
"""

import asyncio
import socket
import struct

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST = 4, 20, 1
ALL_STATES = ANY_COOKIE = 0xFFFFFFFF
HEADER = struct.Struct("=IHHII")
"""`nlmsghdr`: length, type, flags, sequence number, port."""
REQUEST = struct.Struct("=BBxxI")
"""The beginning of `inet_diag_req_v2`: family, protocol, states."""
ADDRESSES = struct.Struct("!2s2s4s12x4s12x")
"""The beginning of `inet_diag_sockid`: ports and IPv4 addresses of both ends."""
REST = struct.pack("=III", 0, ANY_COOKIE, ANY_COOKIE)
QUEUES = struct.Struct("=II")
"""The bytes in `inet_diag_msg` that are received but not read, and sent but not received."""
QUEUES_OFFSET = 72

Address = tuple[str, int]


def count_unread_bytes(transport: asyncio.Transport) -> int:
    """Return how many bytes the client has not read; bytes of which nothing is known count as 0."""
    unsent = transport.get_write_buffer_size()
    server, client = (transport.get_extra_info(name) for name in ("sockname", "peername"))
    if not server or not client or not hasattr(socket, "AF_NETLINK"):
        return unsent
    _, sent = _queues(server, client)
    received, _ = _queues(client, server)
    return unsent + sent + received


def _queues(local: Address, remote: Address) -> tuple[int, int]:
    """Return the sizes of a socket's receive and send queue; zeros if it is not found."""
    ports = (struct.pack("!H", address[1]) for address in (local, remote))
    hosts = (socket.inet_aton(address[0]) for address in (local, remote))
    request = REQUEST.pack(socket.AF_INET, socket.IPPROTO_TCP, ALL_STATES)
    request += ADDRESSES.pack(*ports, *hosts) + REST
    length = HEADER.size + len(request)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG) as kernel:
            kernel.send(HEADER.pack(length, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0) + request)
            answer = kernel.recv(4096)
    except OSError:
        return 0, 0
    if HEADER.unpack_from(answer)[1] != SOCK_DIAG_BY_FAMILY:
        return 0, 0
    received, sent = QUEUES.unpack_from(answer, QUEUES_OFFSET)
    return received, sent
