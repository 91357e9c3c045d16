"""The span of one completion requested with the `openai` package, over all its attempts.

The span holds the body of the request and of the reply, as far as it arrived. Headers, which
contain the API key, are not read.
"""

import weakref
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cached_property
from time import monotonic
from typing import Any, Self

import httpx

from patches.openai.reply_parsing import ParsedReply, parse_reply
from patches.openai.response_body import ResponseBody, observe_response
from patches.support.open_span import OpenSpan
from patches.support.span_errors import TruncatedStreamError
from patches.support.token_usage import token_attributes

SPAN_NAMES = {"/chat/completions": "chat.completions", "/responses": "responses"}
"""The paths of completion requests, and the client's attributes for them."""
MAX_QUOTED_CHARS = 100
"""How much of an unexpected reply is quoted."""


class FailedReplyError(Exception):
    """Recorded on a completion whose reply reports an error or is not a completion."""


class RequestSpan(OpenSpan):
    """The span of one completion."""

    def __init__(self, client: Any, name: str, request: Mapping[str, Any]) -> None:
        from mlflow.tracing.constant import SpanAttributeKey

        model = request.get("model")
        attributes = {
            SpanAttributeKey.MESSAGE_FORMAT: "openai",
            SpanAttributeKey.MODEL: model,
            SpanAttributeKey.CHAT_TOOLS: to_chat_tools(request.get("tools")),
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model,
        }
        known = {key: value for key, value in attributes.items() if value}
        super().__init__(client, name, "LLM", inputs=dict(request), attributes=known)
        self._is_stream_requested = request.get("stream") is True
        self._started_s = monotonic()
        self._body: ResponseBody | None = None
        self._has_returned = False

    @classmethod
    def open_if_needed(cls, client: Any, options: Any) -> Self | None:
        """Open a span if the request is for a completion that no outer span records already.

        A framework's own LLM span knows more than the client does.
        """
        outer = OpenSpan.innermost()
        is_recorded = outer is not None and not outer.is_ended and outer.span.span_type == "LLM"
        if is_recorded or options.method.lower() != "post" or options.url not in SPAN_NAMES:
            return None
        body = options.json_data if isinstance(options.json_data, Mapping) else {}
        return cls(client, SPAN_NAMES[options.url], {**body, **(options.extra_json or {})})

    @contextmanager
    def sending(self) -> Generator[None]:
        """Be the current span while the client sends the request.

        The span ends with the block, or with the body if the block leaves it unread.
        """
        try:
            with self.active():
                yield
        except BaseException as error:
            self.end(error)
            raise
        self._has_returned = True
        if self._body is None or self._body.is_ended:
            self.end(self._reply_error())

    def add_trace_headers(self, request: httpx.Request) -> None:
        """Let a service that receives the request join the trace, as MLflow's own spans do."""
        import mlflow

        if mlflow.get_current_active_span() is None:  # tracing is off; MLflow would log a warning
            return
        for name, value in mlflow.tracing.get_tracing_context_headers_for_http_request().items():
            request.headers.setdefault(name, value)

    def record_response(self, response: httpx.Response) -> None:
        """Observe the reply to an attempt before the client reads its body."""
        if response.is_success:
            self._body = body = observe_response(response, self._on_body_end)
            weakref.finalize(response, body.on_end, GeneratorExit())  # dropped without a close

    def end(self, error: BaseException | None = None) -> None:
        if not self.is_ended:
            self._record_reply(self._parsed_reply)
        super().end(error)

    @cached_property
    def _parsed_reply(self) -> ParsedReply:
        body = self._body
        if body is None:
            return ParsedReply()
        return parse_reply(body.text(), is_stream=self._is_streamed)

    @property
    def _is_streamed(self) -> bool:
        """Whether the reply is a stream; not every endpoint declares that in the content type."""
        content_type = self._body.content_type if self._body is not None else ""
        if content_type.startswith("text/event-stream"):
            return True
        return self._is_stream_requested and not content_type.startswith("application/json")

    def _on_body_end(self, error: BaseException | None) -> None:
        """Handle the end of the body; `error` is the error that ended it early, if any."""
        if self._has_returned:
            self.end(self._reply_error(error))

    def _reply_error(self, error: BaseException | None = None) -> BaseException | None:
        """Return the error to record for the reply; closing a complete reply is no error."""
        reply = self._parsed_reply
        if reply.error_message:
            return FailedReplyError(reply.error_message)
        if reply.is_complete and isinstance(error, GeneratorExit | None):
            return None
        if error is not None or self._body is None:
            return error
        if self._is_streamed:
            return TruncatedStreamError("the stream ended before the reply was complete")
        start = self._body.text()[:MAX_QUOTED_CHARS]
        return FailedReplyError(f"the reply is not a completion; it begins: {start!r}")

    def _record_reply(self, reply: ParsedReply) -> None:
        """Record the reply. Tokens are recorded only if the endpoint reports them."""
        from mlflow.tracing.constant import SpanAttributeKey

        self.outputs = reply.outputs
        attributes: dict[str, Any] = {
            SpanAttributeKey.MODEL: reply.model,
            "gen_ai.response.model": reply.model,
            "gen_ai.response.id": reply.id,
            "gen_ai.response.finish_reasons": list(reply.finish_reasons),
        }
        if self._body is not None and self._is_streamed and self._body.first_chunk_s is not None:
            waited_s = round(self._body.first_chunk_s - self._started_s, 6)
            attributes["gen_ai.response.time_to_first_chunk"] = waited_s
        known = {key: value for key, value in attributes.items() if value}
        self.span.set_attributes(known | token_attributes(reply.usage))


def to_chat_tools(tools: Any) -> list[Mapping[str, Any]]:
    """Convert a request's tools to the format of the chat API; the Responses API's is flatter."""
    listed = tools if isinstance(tools, list) else []
    return [_to_chat_tool(tool) for tool in listed if isinstance(tool, Mapping)]


def _to_chat_tool(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert one tool. The endpoint's own tools have no name, so they are named by their type."""
    if "function" in tool:
        return tool
    definition = {key: value for key, value in tool.items() if key != "type"}
    return {"type": "function", "function": {"name": tool.get("type"), **definition}}
