"""Record the body and the token usage of a model's reply, which CrewAI's events hold only in part.

For a reply with tool calls, the event has the calls but not the text beside them. For a structured
output, it has the parsed object with all default values. If CrewAI executes a tool call itself, the
event has the tool's result and no usage. The written part of a prompt cache is in no event of an
OpenAI model. CrewAI reads the usage from each reply before it emits the event, while the reply is
still complete; this patch wraps that step. A refusal and further choices are in the response only.
"""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

from patches.crewai.spans.completion_span import CompletionSpan
from patches.openai.reply_parsing import MALFORMED_REPLY_ERRORS
from patches.patch import Patch
from patches.support.call_wrapping import OnResult, ignore_result, wrap_call
from patches.support.http_clients import send_methods
from patches.support.open_span import OpenSpan
from patches.support.span_lifetime import pass_response_to

OPENAI_COMPLETION = "crewai.llms.providers.openai.completion:OpenAICompletion"
EXTRACTING_METHODS = (
    f"{OPENAI_COMPLETION}._extract_openai_token_usage",
    f"{OPENAI_COMPLETION}._extract_responses_token_usage",
)


@contextmanager
def _extract_usage(model: Any, response: Any, *args: Any, **kwargs: Any) -> Generator[OnResult]:
    """Give the current completion span the reply that the usage is read from."""
    span = OpenSpan.innermost()
    if isinstance(span, CompletionSpan):
        record_body(span, response)
        span.reply.usage = getattr(response, "usage", None)
    yield ignore_result


@contextmanager
def _track_usage(model: Any, usage_data: Any, *args: Any, **kwargs: Any) -> Generator[OnResult]:
    """Count the usage of each reply once; CrewAI reads that of a stream with each of its chunks."""
    span = CompletionSpan.nearest()
    if span is not None and span.owner is model and not span.is_ended:
        span.add_usage(span.reply.usage or usage_data)
    yield ignore_result


def record_body(span: CompletionSpan, reply: Any) -> None:
    """Record a reply of OpenAI's chat or Responses API; a chunk of a stream has no body."""
    read_body = _read_response if hasattr(reply, "output") else _read_chat
    try:
        span.reply.record_body(*read_body(reply))
    except MALFORMED_REPLY_ERRORS:
        return


def _read_chat(completion: Any) -> tuple[str | None, list[Any], str | None]:
    choice = completion.choices[0]
    calls = [call.model_dump() for call in choice.message.tool_calls or ()]
    return choice.message.content, calls, choice.finish_reason


def _read_response(response: Any) -> tuple[str | None, list[Any], str | None]:
    calls = [
        {"id": item.call_id, "name": item.name, "arguments": item.arguments}
        for item in response.output
        if item.type == "function_call"
    ]
    return response.output_text, calls, None


PATCH = Patch(
    name="crewai.model_replies",
    symptom=(
        "text returned with a tool call, the raw text of a structured output, and the tokens of a"
        " reply whose tool call CrewAI executes are lost; so are tokens written to a prompt cache"
    ),
    upstream="crewai.llms.providers.openai.completion (`_emit_call_completed_event`)",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="the event of a completion holds the reply with its whole usage",
    canary="tests/patches/crewai/test_model_replies.py"
    "::test_upstream_crewai_emits_the_text_beside_a_tool_call",
    methods={
        **send_methods(partial(pass_response_to, CompletionSpan)),
        **dict.fromkeys(EXTRACTING_METHODS, ("self, response", partial(wrap_call, _extract_usage))),
        "crewai:BaseLLM._track_token_usage_internal": (
            "self, usage_data",
            partial(wrap_call, _track_usage),
        ),
    },
)
