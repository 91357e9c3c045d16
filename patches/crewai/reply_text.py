"""Record the text of a reply as the model wrote it, which CrewAI's events do not contain.

For a reply with tool calls, the event has the calls but not the text beside them. For a structured
output, it has the parsed object with all default values. CrewAI reads the token usage from each
reply before it emits the event, while the reply is still complete; this patch wraps that step.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

from patches.crewai.call_spans import CompletionSpan
from patches.openai.reply_parsing import MALFORMED_REPLY_ERRORS
from patches.patch import Patch
from patches.support.open_span import OpenSpan
from patches.support.subclass_wrapping import wrap_in_subclasses

GetText = Callable[[Any], Any]
"""Returns the text of a reply; may raise or return anything for a malformed reply."""


@contextmanager
def _apply() -> Generator[None]:
    from crewai.llms.providers.openai.completion import OpenAICompletion

    chat_usage, responses_usage = "_extract_openai_token_usage", "_extract_responses_token_usage"
    with (
        wrap_in_subclasses(OpenAICompletion, chat_usage, partial(_wrap_extract, _chat_text)),
        wrap_in_subclasses(
            OpenAICompletion, responses_usage, partial(_wrap_extract, _response_text)
        ),
    ):
        yield


def _wrap_extract(get_text: GetText, extract_usage: Callable[..., Any]) -> Callable[..., Any]:
    """Give the current completion span the text of the reply that the usage is read from."""

    @wraps(extract_usage)
    def wrapper(self: Any, reply: Any) -> Any:
        span = OpenSpan.innermost()
        if isinstance(span, CompletionSpan):
            span.reply.text = _safe_text(get_text, reply)
        return extract_usage(self, reply)

    return wrapper


def _safe_text(get_text: GetText, reply: Any) -> str | None:
    """Return the text, or None if there is none, as in the usage chunk of a stream."""
    try:
        text = get_text(reply)
    except MALFORMED_REPLY_ERRORS:
        return None
    return text if isinstance(text, str) else None


def _chat_text(completion: Any) -> Any:
    return completion.choices[0].message.content


def _response_text(response: Any) -> Any:
    return response.output_text


PATCH = Patch(
    name="crewai.reply_text",
    symptom="text returned with a tool call is lost, as is the raw text of a structured output",
    upstream="crewai.llms.providers.openai.completion (`_emit_call_completed_event`)",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="the event of a completion holds the text that is returned with tool calls",
    canary="tests/patches/crewai/test_reply_text.py"
    "::test_upstream_crewai_emits_the_text_beside_a_tool_call",
    apply=_apply,
)
