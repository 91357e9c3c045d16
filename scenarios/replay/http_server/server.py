"""Serve an ASGI application on 127.0.0.1, in a thread, to the programs of this machine alone.

A server on 127.0.0.1 can be reached by every page that is open in a browser. A page may send simple
requests to any address, and a page whose name is rebound to 127.0.0.1 may also read the answers.
Source: https://owasp.org/www-community/attacks/DNS_Rebinding
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from uvicorn.server import ServerState

from scenarios.replay.http_server.connection import (
    JSON_CONTENT_TYPE,
    Connection,
    Receive,
    Scope,
    Send,
)
from scenarios.replay.http_server.protocol import BreakableProtocol
from scenarios.replay.openai_api.errors import error_body

HOST = "127.0.0.1"
MAX_WAITING_CONNECTIONS = 4096
"""How many connections may wait to be accepted. A further one waits for a second, or longer."""

LOCAL_HOSTS = ("127.0.0.1", "localhost")
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@contextmanager
def serve_app(
    app: App,
    port: int = 0,
    on_close: Callable[[], Awaitable[None]] | None = None,
    on_stop: Callable[[], None] | None = None,
) -> Generator[int]:
    """Serve `app` to programs of this machine until the block ends; yield the port.

    At the end all connections are aborted, so that a hanging request delays nothing. `on_stop` is
    called then, `on_close` is awaited last, both on the server's event loop.

    Args:
        port: The port; 0 takes a free one.
        on_close: Closes the application's resources.
        on_stop: Cancels requests that would go on without their clients.

    Raises:
        OSError: The port is in use.
    """
    with (
        socket.create_server((HOST, port)) as listening,
        _event_loop_thread(app) as loop,
    ):
        state = ServerState()
        config = _uvicorn_config(refuse_foreign_callers(app))

        start = loop.create_server(
            lambda: BreakableProtocol(config, state, {}),
            sock=listening,
            backlog=MAX_WAITING_CONNECTIONS,
        )
        server = asyncio.run_coroutine_threadsafe(start, loop).result()
        try:
            yield listening.getsockname()[1]
        finally:
            stop = _stop(server, state, on_stop, on_close)
            asyncio.run_coroutine_threadsafe(stop, loop).result()


async def _stop(
    server: asyncio.AbstractServer,
    state: ServerState,
    on_stop: Callable[[], None] | None,
    on_close: Callable[[], Awaitable[None]] | None,
) -> None:
    """Abort all connections, and wait for the requests that they leave."""
    server.close()
    for connection in list(state.connections):
        connection.transport.abort()
    if on_stop is not None:
        on_stop()
    while state.tasks:
        await asyncio.wait(state.tasks)
    if on_close is not None:
        await on_close()


@contextmanager
def _event_loop_thread(app: Any) -> Generator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread until the block ends."""
    loop = (_uvicorn_config(app).get_loop_factory() or asyncio.new_event_loop)()
    thread = Thread(target=loop.run_forever, name="replay", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _uvicorn_config(app: Any) -> uvicorn.Config:
    """Configure uvicorn without logging, and for connections that are idle for up to an hour."""
    config = uvicorn.Config(
        app,
        http=BreakableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        server_header=False,
        timeout_keep_alive=3600,
    )
    config.load()
    return config


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
