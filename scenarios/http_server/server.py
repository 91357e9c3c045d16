"""Serve an ASGI application on 127.0.0.1, in a thread, for the duration of a `with` block."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from scenarios.http_server.local_callers import App, refuse_foreign_callers
from scenarios.http_server.protocol import BreakableProtocol

HOST = "127.0.0.1"
MAX_WAITING_CONNECTIONS = 4096
"""How many connections may wait to be accepted. A further one waits for a second, or longer."""


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
        app: An ASGI application.
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

        async def start() -> asyncio.AbstractServer:
            return await loop.create_server(
                lambda: BreakableProtocol(config, state, {}),
                sock=listening,
                backlog=MAX_WAITING_CONNECTIONS,
            )

        async def stop(server: asyncio.AbstractServer) -> None:
            server.close()
            for connection in list(state.connections):
                connection.transport.abort()
            if on_stop is not None:
                on_stop()
            while state.tasks:
                await asyncio.wait(state.tasks)
            if on_close is not None:
                await on_close()

        server = asyncio.run_coroutine_threadsafe(start(), loop).result()
        try:
            yield listening.getsockname()[1]
        finally:
            asyncio.run_coroutine_threadsafe(stop(server), loop).result()


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
