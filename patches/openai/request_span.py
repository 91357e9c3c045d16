"""The span of one request of the `openai` package for a completion or the like, over all attempts.

The span holds the body of the request and of the reply, as far as it arrived. Headers, which
contain the API key, are not read.
"""

import weakref
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing, contextmanager
from typing import TYPE_CHECKING, Any, Self

from patches.openai.background_responses import RECORDED_RESPONSES
from patches.openai.completion_body import CompletionBody
from patches.openai.completion_requests import Endpoint, find_endpoint, is_recorded_already
from patches.openai.span_attributes import reply_attributes, request_attributes
from patches.support.error_boundaries import OnError
from patches.support.open_span import OpenSpan

if TYPE_CHECKING:
    import httpx

EXTENSION_KEY = "flight_recorder.completion"
"""Key in `response.extensions` that holds the `RequestSpan`."""
_END: Any = object()


class RequestSpan(OpenSpan):
    """The span of one completion, or of embeddings, images or a transcript.

    The span of a stream ends when its reader ends. A client that cannot read an event closes the
    response before it raises, so the error is the reader's, not the body's.
    """

    def __init__(self, client: Any, endpoint: Endpoint, request: Mapping[str, Any]) -> None:
        attributes = request_attributes(endpoint, request)
        self.records_completion = endpoint.makes_completions
        super().__init__(client, endpoint.name, endpoint.span_type, dict(request), attributes)
        self._is_stream_requested = request.get("stream") is True
        self._body: CompletionBody | None = None
        self._has_returned = self._is_reading = False

    @classmethod
    def open_if_needed(cls, client: Any, options: Any) -> Self | None:
        """Open a span if the request is to be recorded, and no outer span does so already.

        A framework's own LLM span knows more than the client does.
        """
        endpoint = find_endpoint(options)
        if endpoint is None or is_recorded_already(endpoint):
            return None
        body = options.json_data if isinstance(options.json_data, Mapping) else {}
        return cls(client, endpoint, {**body, **(options.extra_json or {})})

    @contextmanager
    def sending(self) -> Generator[None]:
        """Be the current span while the client sends the request.

        The span ends with the block, or with the body if the block leaves it unread.
        """
        with OnError(self.end), self.active():
            yield
        self._has_returned = True
        if self._body is None or self._body.is_ended:
            self.end(self._reply_error())

    def add_trace_headers(self, request: "httpx.Request") -> None:
        """Let a service that receives the request join the trace, as MLflow's own spans do."""
        import mlflow

        if mlflow.get_current_active_span() is None:  # tracing is off; MLflow would log a warning
            return
        for name, value in mlflow.tracing.get_tracing_context_headers_for_http_request().items():
            request.headers.setdefault(name, value)

    def record_response(self, response: "httpx.Response") -> None:
        """Observe the reply to an attempt before the client reads its body."""
        if response.is_success:
            self._body = body = CompletionBody(
                response,
                is_stream_requested=self._is_stream_requested,
                is_completion=self.records_completion,
                on_complete=self._on_body_end,
            )
            response.extensions[EXTENSION_KEY] = self
            weakref.finalize(response, body.on_end, GeneratorExit())  # dropped without a close

    def record_unsent_response(self, response: "httpx.Response") -> None:
        """Observe a reply for which no request was sent."""
        if self._body is None:
            self.record_response(response)

    @classmethod
    def of_response(cls, response: "httpx.Response") -> Self | None:
        """Return the open span of the completion that a response belongs to."""
        span = response.extensions.get(EXTENSION_KEY)
        return span if isinstance(span, cls) and not span.is_ended else None

    def read_events(self, events: Generator[Any]) -> Generator[Any]:
        """Yield the events of a stream, count them, and end the span with their reader."""
        with self._ending_with_reader(), closing(events):
            while True:
                with self._reading():
                    event = next(events, _END)
                if event is _END:
                    return
                self._count_event()
                yield event

    async def read_async_events(self, events: AsyncGenerator[Any]) -> AsyncGenerator[Any]:
        """Do the same for an async stream."""
        with self._ending_with_reader():
            async with aclosing(events):
                while True:
                    with self._reading():
                        event = await anext(events, _END)
                    if event is _END:
                        return
                    self._count_event()
                    yield event

    @contextmanager
    def _ending_with_reader(self) -> Generator[None]:
        if self._body is not None:
            self._body.received_events = 0
        with OnError(lambda error: self.end(self._reply_error(error))):
            yield
        if self._body is not None and not self.is_ended and self._body.is_stream:
            self._body.received_events = None
        self.end(self._reply_error())

    @contextmanager
    def _reading(self) -> Generator[None]:
        self._is_reading = True
        try:
            yield
        finally:
            self._is_reading = False

    def _count_event(self) -> None:
        if self._body is not None and self._body.received_events is not None:
            self._body.received_events += 1

    def end(self, error: BaseException | None = None) -> None:
        if not self.is_ended and self._body is not None:
            self._record_reply(self._body)
        super().end(error)

    def end_unfinished(self) -> None:
        """End the span of a stream that the program has not read so far, which is no error."""
        self.end(self._reply_error(GeneratorExit() if self._has_returned else None))

    def _on_body_end(self, error: BaseException | None) -> None:
        """Handle the end of the body; `error` is the error that ended it early, if any."""
        if self._has_returned and not self._is_reading:
            self.end(self._reply_error(error))

    def _reply_error(self, error: BaseException | None = None) -> BaseException | None:
        """The error of the reply. To close it is none, unless an error makes the program do so."""
        if self.is_ended or self._body is None or not isinstance(error, GeneratorExit | None):
            return error
        reply = self._body.parse()
        if error is not None and not (reply.is_complete or reply.error_message):
            return self.pass_over_early_close(error)
        return self._body.find_error(reply)

    def _record_reply(self, body: CompletionBody) -> None:
        reply = body.parse()
        if reply.is_background:
            RECORDED_RESPONSES.add_if_final(reply, body.origin)
        self.outputs = reply.outputs
        self.span.set_attributes(reply_attributes(reply))
        if body.is_stream and body.first_chunk_s is not None:
            self.record_first_chunk(body.first_chunk_s)
