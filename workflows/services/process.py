"""Run an HTTP service as a traced process: command line, address, shutdown, JSON responses."""

import os
import signal
import socket
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import uvicorn
from mlflow.entities import LiveSpan, SpanStatus, SpanStatusCode, SpanType
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from instrumentation import continue_remote_trace, enable_tracing

HOST = "127.0.0.1"
SHUTDOWN_TIMEOUT_S = 2
"""How long open requests may take to end once the service shuts down."""


def run_service(
    name: str, description: str, create_app: Callable[[Path], Starlette], data: Path, port: int
) -> None:
    """Run `python -m workflows.services.NAME` with the options --port and, for its data, --STEM.

    `create_app` makes the service of a file of records; `data` is the file without an option.
    """
    parser = ArgumentParser(
        prog=f"python -m workflows.services.{name}",
        description=description,
        epilog=(
            "MLFLOW_TRACKING_URI says where its spans are stored: with the store of its callers"
            " they become part of the callers' traces. Ctrl-C or TERM stores them and exits."
        ),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port",
        type=int,
        choices=range(2**16),
        default=port,
        metavar="PORT",
        help=f"port on {HOST}; 0 takes a free one (default: {port})",
    )
    parser.add_argument(
        f"--{data.stem}",
        dest="data",
        type=Path,
        default=data,
        metavar="FILE",
        help="JSON Lines file with its records (default: %(default)s)",
    )
    options = parser.parse_args()
    serve(create_app(options.data), options.port)


def serve(app: Starlette, port: int) -> None:
    """Serve until Ctrl-C or TERM, with tracing on; print the address once it accepts requests.

    Exits with code 2 and a message if the port is taken.
    """
    # The shell makes processes in the background of a script ignore Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with _listen(port) as listener, enable_tracing(mlflow.get_tracking_uri(), frameworks=()):
            print(f"http://{HOST}:{listener.getsockname()[1]}", flush=True)
            uvicorn.Server(_uvicorn_config(app)).run(sockets=[listener])
    except KeyboardInterrupt:
        return


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        print(f"port {port}: {reason}. Choose another, or 0 for a free one.", file=sys.stderr)
        raise SystemExit(2) from error


def _uvicorn_config(app: Starlette) -> uvicorn.Config:
    """uvicorn without an access log: requests and responses are in the traces."""
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )


def _flush(request: Request) -> Response:
    """Store all spans now; MLflow stores them a second later by itself."""
    mlflow.flush_trace_async_logging()
    return Response(status_code=204)


FLUSH_ROUTE = Route("/flush", _flush, methods=["POST"])
"""POST /flush, for a caller that wants to read the trace at once."""


@contextmanager
def request_span(request: Request, name: str) -> Generator[LiveSpan]:
    """Open the span of a request, in the trace of its caller if that sends a `traceparent`."""
    with (
        continue_remote_trace(request.headers),
        mlflow.start_span(name, span_type=SpanType.RETRIEVER) as span,
    ):
        yield span


def json_response(span: LiveSpan, body: Mapping[str, Any], status: int = 200) -> JSONResponse:
    """Answer with a JSON object."""
    span.set_attribute("http.response.status_code", status)
    span.set_outputs(body)
    return JSONResponse(body, status)


def error_response(
    span: LiveSpan, status: int, message: str, retry_after_s: int | None = None
) -> JSONResponse:
    """Answer `{"error": message}`. A 5xx makes the span an error, as OpenTelemetry prescribes."""
    span.set_attribute("http.response.status_code", status)
    span.set_outputs({"error": message})
    if status >= 500:
        span.set_status(SpanStatus(SpanStatusCode.ERROR, message))
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return JSONResponse({"error": message}, status, headers)
