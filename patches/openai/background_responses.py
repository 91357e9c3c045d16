"""Record the reply to a background request when the program retrieves it, once.

`responses.create(background=True)` returns before the model has answered. The program then calls
`responses.retrieve` until the response is final: that reply, with the output and the tokens, is a
span of its own, however often it is retrieved.

Two processes that retrieve the same response record it twice, because neither knows of the other.
Both spans have the input `response_id`, by which they can be counted once.
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Lock
from time import time_ns
from typing import Any

from patches.openai.completion_body import CompletionBody
from patches.openai.completion_requests import (
    RESPONSES,
    is_recorded_already,
    retrieved_response_id,
)
from patches.openai.reply_parsing import ParsedReply
from patches.openai.span_attributes import reply_attributes, request_attributes
from patches.support.open_span import OpenSpan

UNFINISHED_STATUSES = ("queued", "in_progress")
MAX_REMEMBERED_IDS = 10_000


Origin = tuple[str, int | None]


class RecordedResponses:
    """The background responses whose final reply is recorded, by origin and id: the latest ones.

    Another endpoint, such as the replay of another tape, may use the same id.
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[Origin, str], None] = {}
        self._lock = Lock()

    def add_if_final(self, reply: ParsedReply, origin: Origin) -> bool:
        """Remember a final reply; return whether it is one, and a new one.

        A reply that is not final is that of a new request, also if an endpoint uses an id again.
        """
        response_id, status = (origin, str(reply.id)), next(iter(reply.finish_reasons), "")
        with self._lock:
            if not status or status in UNFINISHED_STATUSES:
                self._ids.pop(response_id, None)
                return False
            if response_id in self._ids:
                return False
            self._ids[response_id] = None
            if len(self._ids) > MAX_REMEMBERED_IDS:
                del self._ids[next(iter(self._ids))]
            return True

    @contextmanager
    def cleared_after_block(self) -> Generator[None]:
        """Forget all ids when the block ends."""
        try:
            yield
        finally:
            with self._lock:
                self._ids.clear()


RECORDED_RESPONSES = RecordedResponses()
"""Shared by the clients of the process; cleared when the patch is undone."""


def observe_retrieval(client: Any, options: Any, response: Any) -> None:
    """Record the reply to a request, if that retrieves a background response."""
    response_id = retrieved_response_id(options)
    if response_id and response.is_success and not is_recorded_already():
        _Retrieval(client, response_id, response)


class _Retrieval:
    """A response that is being retrieved. Its span is created once its end has arrived."""

    def __init__(self, client: Any, response_id: str, response: Any) -> None:
        self._client, self._id = client, response_id
        self._start_ns = time_ns()
        with suppress(RuntimeError):  # it is a stream, which has not been read
            self._start_ns -= int(response.elapsed.total_seconds() * 1e9)
        self._body: CompletionBody | None = None
        self._body = CompletionBody(response, is_stream_requested=False, on_complete=self._on_end)
        if self._body.is_ended:
            self._record(self._body)

    def _on_end(self, error: BaseException | None) -> None:
        if self._body is not None:
            self._record(self._body)

    def _record(self, body: CompletionBody) -> None:
        reply = body.parse()
        if not (reply.is_background and RECORDED_RESPONSES.add_if_final(reply, body.origin)):
            return
        attributes = request_attributes(RESPONSES, {}) | reply_attributes(reply)
        span = OpenSpan(
            self._client,
            "responses.retrieve",
            "LLM",
            inputs={"response_id": self._id},
            attributes=attributes,
            start_time_ns=self._start_ns,
        )
        span.outputs = reply.outputs
        span.end(body.find_error(reply))
