"""Forward requests to live endpoints, and record each successful exchange as a line of a tape.

Requests and responses pass unchanged, with their headers and keys. Headers are not written to the
tape; paths, queries, bodies and streams are, redacted as traces are (see `tape_redaction.py`).
Answers with an error status, or that break off, are passed on, and listed as not captured.
"""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from scenarios.recording.endpoint import Endpoint
from scenarios.recording.recorded_line import (
    PartTimes,
    build_line,
    explain_unrecordable,
    to_utf8,
)
from scenarios.recording.tape_redaction import TapeRedaction
from scenarios.recording.tape_writer import TapeWriter
from scenarios.replay.exchange.request_parsing import lane_fingerprint, parse_request
from scenarios.replay.http_server.connection import BodyTooLargeError, Connection, Scope
from scenarios.replay.http_server.forwarding import (
    ForwardingClient,
    UndecodableBodyError,
    UnknownStatusError,
    decode_body,
    decode_headers,
    request_target,
)
from scenarios.replay.openai_api.embeddings_and_models import is_models_path
from scenarios.tape.lanes.lane_names import LaneNames
from scenarios.tape.requests.request import Request


@dataclass(frozen=True)
class UncapturedAnswer:
    """An answer that a program got and that is not on the tape, and the reason."""

    method: str
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.reason}"


class Recorder:
    """Forwards requests to the endpoints, and writes what they answer."""

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        writer: TapeWriter,
        lane_names: LaneNames | None = None,
    ) -> None:
        """Prepare to record; nothing is requested yet.

        Args:
            endpoints: The first one gets the requests whose path is below no mount.
            writer: Appends to the tape.
            lane_names: Names the lanes of requests that name none; else these are fingerprints.
        """
        self._endpoints = tuple(endpoints)
        self._clients = {
            origin: ForwardingClient(origin)
            for origin in {endpoint.origin for endpoint in self._endpoints}
        }
        self._writer = writer
        self._lane_names = lane_names
        self._redaction = TapeRedaction()
        self._started_s = time.monotonic()
        self._running = set[asyncio.Task[object]]()
        self.uncaptured: list[UncapturedAnswer] = []
        self.aborted_lines = set[bytes]()
        """The lines whose answers their clients have not read to the end."""
        self.recorded = 0

    async def forward(
        self, scope: Scope, body: bytes, connection: Connection
    ) -> tuple[httpx.Response, bytes]:
        """Forward a request, stream its response to the client, and record the exchange.

        The response is not ended: the caller sends the empty last part.

        Raises:
            BodyTooLargeError: The request decodes to more than a tape can hold; it is not sent.
            UnknownStatusError: The endpoint's status cannot be passed on.
            httpx.TransportError: The endpoint did not answer, or broke off.
        """
        endpoint = self._find_endpoint(scope["path"])
        request = self._parse_request(endpoint, scope, body)
        raw_path = scope["raw_path"].decode("latin-1")
        if _is_below(raw_path, endpoint.mount):
            raw_path = endpoint.base_path + raw_path.removeprefix(endpoint.mount)
        target = request_target(raw_path, request.query)
        times = PartTimes(self._started_s)
        client = self._clients[endpoint.origin]
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            response, content = await client.forward(scope, target, body, connection, times.add)
        except httpx.TransportError as error:
            # h11 quotes a header that is not valid, which may be a secret.
            reason = str(error).partition(": bytearray")[0] or type(error).__name__
            self._leave_out(request, f"the endpoint did not answer completely ({reason})")
            raise
        except UnknownStatusError as error:
            self._leave_out(request, str(error))
            raise
        except asyncio.CancelledError:
            self._leave_out(request, "the recording ended before the answer did")
            raise
        finally:
            self._running.discard(task)
        is_models_list = request.method == "GET" and is_models_path(request.path)
        if endpoint.lane is not None or not is_models_list:  # replay answers it by itself
            self._record(request, response, content, times, connection)
        return response, content

    def stop(self) -> None:
        """Give up the requests that are not answered yet. Call it on the server's event loop."""
        for task in self._running:
            task.cancel()

    async def aclose(self) -> None:
        """Close the connections to the endpoints."""
        for client in self._clients.values():
            await client.aclose()

    def _find_endpoint(self, path: str) -> Endpoint:
        below = (one for one in self._endpoints if _is_below(path, one.mount))
        return max(below, key=lambda one: len(one.mount), default=self._endpoints[0])

    def _parse_request(self, endpoint: Endpoint, scope: Scope, body: bytes) -> Request:
        """Parse a request, and remember its secrets before anything else is recorded."""
        headers, path = decode_headers(scope), scope["path"]
        if _is_below(path, endpoint.mount):
            path = path.removeprefix(endpoint.mount)
        with suppress(UndecodableBodyError):  # the endpoint decides; the tape keeps it as text
            body = decode_body(headers, body)

        def lane_for_path(method: str, path: str, agent: str | None) -> str | None:
            return endpoint.lane or agent

        self._redaction.add_secrets_of_headers(headers)  # before a lane is named after its prompt
        scope = {**scope, "path": path or "/"}
        request = parse_request(scope, body, lane_for_path, self._lane_for_agent)
        self._redaction.add_secrets_of_request(request, headers)
        return request

    def _lane_for_agent(self, body: Any, agent: str | None) -> tuple[str, str]:
        if self._lane_names is not None:
            # The name and the rule of a lane are on the tape, too, and come from the prompt.
            self._redaction.add_secrets_of_fields(body)
            redact = self._redaction.redact_text
            return self._lane_names.lane_for_agent(body, agent, redact), ""
        return agent or lane_fingerprint(body), ""

    def _record(
        self,
        request: Request,
        response: httpx.Response,
        body: bytes,
        times: PartTimes,
        connection: Connection,
    ) -> None:
        try:
            content = to_utf8(response, decode_body(response.headers, body))
        except UndecodableBodyError as error:
            self._writer.errors.append(str(error))
            return
        except BodyTooLargeError as error:
            self._leave_out(request, f"{error} when it is decoded")
            return
        if reason := explain_unrecordable(response, content):
            self._leave_out(request, reason)
            return
        line = build_line(request, response, content, self._redaction, times)
        if self._writer.append(line):
            self.recorded += 1
        if connection.is_closing:
            self.aborted_lines.add(line)
        else:
            connection.call_if_unread(lambda: self.aborted_lines.add(line))

    def _leave_out(self, request: Request, reason: str) -> None:
        path = self._redaction.redact_text(request.path)
        self.uncaptured.append(UncapturedAnswer(request.method, path, reason))


def _is_below(path: str, mount: str) -> bool:
    return f"{path}/".startswith(f"{mount}/")
