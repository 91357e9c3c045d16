"""A process: how a service of this house is started, says where it is, and ends."""

import os
import signal
import socket
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter

import mlflow
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from instrumentation.tracing import enable_tracing

HOST = "127.0.0.1"
PATIENCE_S = 2
"""How long requests that are under way have to end once the service is told to."""


def arguments(name: str, description: str, port: int) -> ArgumentParser:
    """What every service is started with: `python -m workflows.services.NAME --port …`."""
    parser = ArgumentParser(
        prog=f"python -m workflows.services.{name}",
        description=description,
        epilog=(
            "MLFLOW_TRACKING_URI says where its spans are stored: in the store of its callers they"
            " stand in the callers' traces. Ctrl-C or TERM ends it, once they are stored."
        ),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port",
        type=int,
        choices=range(2**16),
        default=port,
        metavar="PORT",
        help=f"of {HOST}; 0 takes a free one (default: {port})",
    )
    return parser


def run(app: Starlette, port: int) -> None:
    """Serve until Ctrl-C or TERM, traced; print the address once it can be asked.

    Exit code 2, with a sentence, if the port is taken.
    """
    # Started in the background of a script, a process is told to ignore Ctrl-C.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    try:
        with (
            _listening(port) as listening,
            enable_tracing(mlflow.get_tracking_uri(), frameworks=()),
        ):
            print(f"http://{HOST}:{listening.getsockname()[1]}", flush=True)
            uvicorn.Server(_configured(app)).run(sockets=[listening])
    except KeyboardInterrupt:
        return


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        print(f"port {port}: {why}. Take another, or 0 for a free one.", file=sys.stderr)
        raise SystemExit(2) from error


def _configured(app: Starlette) -> uvicorn.Config:
    """uvicorn without a log of its own: what is asked and answered stands in the trace."""
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=PATIENCE_S,
    )


def _flush(request: Request) -> Response:
    """Store what was traced until now; MLflow does so a second later by itself."""
    mlflow.flush_trace_async_logging()
    return Response(status_code=204)


FLUSH = Route("/flush", _flush, methods=["POST"])
"""For a caller that wants to read the trace at once: POST /flush."""
