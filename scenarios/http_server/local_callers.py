"""Refuse requests that a web page sends from a browser on this machine.

A server on 127.0.0.1 can be reached by every page that is open in a browser. A page may send simple
requests to any address, and a page whose name is rebound to 127.0.0.1 may also read the answers.
Source: https://owasp.org/www-community/attacks/DNS_Rebinding
"""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from scenarios.http_server.connection import JSON_CONTENT_TYPE, Connection, Receive, Scope, Send
from scenarios.openai_api.errors import error_body

LOCAL_HOSTS = ("127.0.0.1", "localhost")

App = Callable[[Scope, Receive, Send], Awaitable[None]]


def refuse_foreign_callers(app: App) -> App:
    """Return `app` behind a check: a request of a foreign page gets status 403."""

    async def checked_app(scope: Scope, receive: Receive, send: Send) -> None:
        message = explain_foreign_caller(scope)
        if message is None:
            await app(scope, receive, send)
        else:
            connection = Connection(scope, receive, send)
            await connection.send_response(403, JSON_CONTENT_TYPE, error_body(message))

    return checked_app


def explain_foreign_caller(scope: Scope, *, same_origin: bool = False) -> str | None:
    """Return why a request comes from a foreign page; None if it does not.

    Args:
        scope: The ASGI scope.
        same_origin: Refuse pages of other local servers, too. Programs that are not browsers send
            no origin, and are not refused.
    """
    headers = dict(scope["headers"])
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    for host in hosts:
        if _host_name(f"http://{host}") not in LOCAL_HOSTS:
            return (
                f"The Host header must be 127.0.0.1 or localhost, not {host[:80]!r}: this server"
                " answers only programs of its own machine. Use the address that it printed."
            )
    origin = headers.get(b"origin", b"").decode("latin-1")
    if same_origin:
        is_foreign = bool(origin) and origin not in [f"http://{host}" for host in hosts]
        is_foreign |= headers.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin")
    else:
        is_foreign = bool(origin) and _host_name(origin) not in LOCAL_HOSTS
    if is_foreign:
        return (
            f"A web page of {origin[:80] or 'another origin'!r} sent this request; pages of other"
            " origins are refused. Send it from a program, such as curl."
        )
    return None


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
