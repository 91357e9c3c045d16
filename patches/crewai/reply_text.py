"""What was said: the text of a reply as the model wrote it, which CrewAI's event does not hold.

Of a reply that asks for tools the event holds the calls, and not the text that came with them; of
one that was asked for as an object, the object with the defaults of all its fields. CrewAI reads
from each reply what it took, before it tells of it: there the reply is still whole.
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
"""Gives the text of a reply; an endpoint's may be any, and make it raise."""


@contextmanager
def _apply() -> Generator[None]:
    from crewai.llms.providers.openai.completion import OpenAICompletion

    chats, responses = "_extract_openai_token_usage", "_extract_responses_token_usage"
    with (
        wrap_in_subclasses(OpenAICompletion, chats, partial(_wrap_extract, _chat_text)),
        wrap_in_subclasses(OpenAICompletion, responses, partial(_wrap_extract, _response_text)),
    ):
        yield


def _wrap_extract(text: GetText, extract: Callable[..., Any]) -> Callable[..., Any]:
    """Tell the completion under way of the text of a reply from which the usage is read."""

    @wraps(extract)
    def extracted(self: Any, response: Any) -> Any:
        span = OpenSpan.innermost()
        if isinstance(span, CompletionSpan):
            span.reply.text = _safe_text(text, response)
        return extract(self, response)

    return extracted


def _safe_text(text: GetText, response: Any) -> str | None:
    """None where there is no text, as in the chunk of a stream that tells of the usage."""
    try:
        said = text(response)
    except MALFORMED_REPLY_ERRORS:
        return None
    return said if isinstance(said, str) else None


def _chat_text(response: Any) -> Any:
    return response.choices[0].message.content


def _response_text(response: Any) -> Any:
    return response.output_text


PATCH = Patch(
    name="crewai_said",
    symptom="what a model says along with a tool call is lost, and so are the words of an object",
    upstream="crewai.llms.providers.openai.completion (`_emit_call_completed_event`)",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="the event of a completion holds the text that comes along with tool calls",
    canary="tests/patches/crewai/test_reply_text.py::test_crewai_alone_tells_what_is_said_along_with_a_call",
    apply=_apply,
)
