"""Hide the credentials in a trace store's address, and check whether its database answers.

Passwords often contain `@` or `/` that should have been escaped. Drivers then take a part of the
password for the host, and quote it in their errors.
"""

import re
import socket
from contextlib import suppress
from urllib.parse import parse_qsl, urlsplit

HIDDEN = "***"
USER_INFO = re.compile(r"//(\S*|[^\s/@:]*:[^/@\n]*)@")
PASSWORD_FIELD = re.compile(
    r"(?i)\b(\w*(?:password|passwd|pwd|token|secret)\w*)\s*="
    r"\s*(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^&;\s'\"]+)"
)
DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
CONNECT_TIMEOUT_S = 1.0


def hide_credentials(text: str, tracking_uri: str) -> str:
    """Remove all credentials of an address from a message, or from the address itself.

    A driver may take parts of them for other parts of the URI; these are removed, too.
    """
    text = PASSWORD_FIELD.sub(rf"\1={HIDDEN}", USER_INFO.sub("//", text))
    for secret in sorted(_secrets(tracking_uri), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _secrets(tracking_uri: str) -> set[str]:
    """Return the password in a URI, its parts, and the values of its password fields."""
    user_info = USER_INFO.search(tracking_uri)
    _, _, password = (user_info.group(1) if user_info else "").partition(":")
    fields = (match.group(0).partition("=")[2] for match in PASSWORD_FIELD.finditer(tracking_uri))
    parts = [password, *re.split(r"[@/:]", password), *fields]
    return {part for part in parts if len(part) > 2}


def is_database_reachable(tracking_uri: str) -> bool:
    """Return whether a database server accepts connections within a second.

    True for a store without a server, and for an address whose host and port are not known.
    """
    scheme = tracking_uri.partition("://")[0].partition("+")[0]
    if scheme not in DEFAULT_PORTS:
        return True
    address = urlsplit(USER_INFO.sub("//", tracking_uri))
    query = dict(parse_qsl(address.query))
    host, port = address.hostname or query.get("host", ""), DEFAULT_PORTS[scheme]
    with suppress(ValueError):
        port = address.port or int(query.get("port", port))
    if not host or host.startswith("/"):  # a Unix socket
        return True
    try:
        socket.create_connection((host, port), CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True
