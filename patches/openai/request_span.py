"""The span of an `openai` client at work on one completion, over all its attempts at it.

What the span holds is what went over the wire: the body that was sent, and the body of the reply
as far as it came, in the words of OpenAI. Headers, in which the key is, are not read.
"""

import weakref
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cached_property
from time import monotonic
from typing import Any, Self

import httpx

from patches.autogen.completion_span import TruncatedStreamError
from patches.openai.reply_parsing import ParsedReply, parse_reply
from patches.openai.response_body import ResponseBody, observe_response
from patches.openai.tool_definitions import to_chat_tools
from patches.support.open_span import OpenSpan

SPAN_NAMES = {"/chat/completions": "chat.completions", "/responses": "responses"}
"""Where a completion is asked for, and what the client calls its way there."""
MAX_QUOTED_CHARS = 100
"""As many characters are shown of a reply that is something else."""


class FailedReplyError(Exception):
    """Recorded on a completion whose reply says that it failed, in a stream or in its status."""


class RequestSpan(OpenSpan):
    """The span of a client at work on one completion."""

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
        told = {key: value for key, value in attributes.items() if value}
        super().__init__(client, name, "LLM", inputs=dict(request), attributes=told)
        self._is_stream_requested = request.get("stream") is True
        self._began_s = monotonic()
        self._body: ResponseBody | None = None
        self._has_returned = False

    @classmethod
    def open_if_needed(cls, client: Any, options: Any) -> Self | None:
        """The span of a completion, if one is asked for that no span around it shows already.

        A framework's own span of a completion knows more than its client does.
        """
        around = OpenSpan.innermost()
        shown = around is not None and not around.is_ended and around.span.span_type == "LLM"
        if shown or options.method.lower() != "post" or options.url not in SPAN_NAMES:
            return None
        body = options.json_data if isinstance(options.json_data, Mapping) else {}
        return cls(client, SPAN_NAMES[options.url], {**body, **(options.extra_json or {})})

    @contextmanager
    def sending(self) -> Generator[None]:
        """Be active while the client asks; end with it, or with the body that it leaves unread."""
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
        """Let a service of ours that is asked join the trace, as MLflow's own spans do."""
        import mlflow

        if (
            mlflow.get_current_active_span() is None
        ):  # nothing is traced, of which MLflow would warn
            return
        for name, value in mlflow.tracing.get_tracing_context_headers_for_http_request().items():
            request.headers.setdefault(name, value)

    def record_response(self, response: httpx.Response) -> None:
        """Be told of the reply to an attempt, before the client reads its body."""
        if response.is_success:
            self._body = body = observe_response(response, self._on_body_end)
            weakref.finalize(response, body.on_end, GeneratorExit())  # dropped, and never closed

    def end(self, error: BaseException | None = None) -> None:
        if not self.is_ended:
            self._record_reply(self._parsed_reply)
        super().end(error)

    @cached_property
    def _parsed_reply(self) -> ParsedReply:
        body = self._body
        return (
            parse_reply(body.text(), is_stream=self._is_streamed)
            if body is not None
            else ParsedReply()
        )

    @property
    def _is_streamed(self) -> bool:
        """Whether it is answered in events, as not every endpoint that does so says."""
        kind = self._body.content_type if self._body is not None else ""
        events = kind.startswith("text/event-stream")
        return events or (self._is_stream_requested and not kind.startswith("application/json"))

    def _on_body_end(self, error: BaseException | None) -> None:
        """Be told that no more of the body is coming, and what ended it early, if anything did."""
        if self._has_returned:
            self.end(self._reply_error(error))

    def _reply_error(self, error: BaseException | None = None) -> BaseException | None:
        """What there is to say against the reply. One that is whole may be closed."""
        said = self._parsed_reply
        if said.error_message:
            return FailedReplyError(said.error_message)
        if said.is_complete and isinstance(error, GeneratorExit | None):
            return None
        if error is not None or self._body is None:
            return error
        if self._is_streamed:
            return TruncatedStreamError("the stream ended before the reply said that it was whole")
        return FailedReplyError(
            f"the reply is no completion, but begins: {self._body.text()[:MAX_QUOTED_CHARS]!r}"
        )

    def _record_reply(self, said: ParsedReply) -> None:
        """Write what came. Tokens are written only where they were told: zero would be a claim."""
        from mlflow.tracing.constant import SpanAttributeKey

        self.outputs = said.outputs
        told: dict[str, Any] = {
            SpanAttributeKey.MODEL: said.model,
            SpanAttributeKey.CHAT_USAGE: said.usage,
            "gen_ai.response.model": said.model,
            "gen_ai.response.id": said.id,
            "gen_ai.response.finish_reasons": list(said.finish_reasons),
            "gen_ai.usage.input_tokens": said.usage.get("input_tokens"),
            "gen_ai.usage.output_tokens": said.usage.get("output_tokens"),
        }
        if self._body is not None and self._is_streamed and self._body.first_chunk_s is not None:
            waited_s = round(self._body.first_chunk_s - self._began_s, 6)
            told["gen_ai.response.time_to_first_chunk"] = waited_s
        self.span.set_attributes({key: value for key, value in told.items() if value})
