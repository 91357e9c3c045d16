"""Record the reply and the tokens of a structured output that does not fit its schema.

For `output_pydantic`, `output_json` and `response_model` the OpenAI client parses the reply. If the
reply does not fit the schema, CrewAI reports only the error, or asks again within the same call.
The tokens are spent anyway, and the reply shows what was wrong with it.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from typing import Any

from patches.crewai.model_replies import record_body
from patches.crewai.spans.completion_span import CompletionSpan
from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block
from patches.support.error_boundaries import OnError
from patches.support.open_span import OpenSpan


@contextmanager
def _apply() -> Generator[None]:
    streamed: Any = import_module("openai.lib.streaming.chat._completions")
    whole: Any = import_module("openai.resources.chat.completions.completions")
    parse = _wrap_parse(whole._parse_chat_completion)
    parse_streamed = _wrap_parse(streamed.parse_chat_completion)
    with (
        replace_for_block(whole, _parse_chat_completion=parse),
        replace_for_block(streamed, parse_chat_completion=parse_streamed),
    ):
        yield


def _wrap_parse(parse: Callable[..., Any]) -> Callable[..., Any]:
    """Record a reply on the current completion span if `parse` rejects it."""

    @wraps(parse)
    def wrapper(*args: Any, chat_completion: Any, **kwargs: Any) -> Any:
        with OnError(lambda _: _record_reply(chat_completion)):
            return parse(*args, chat_completion=chat_completion, **kwargs)

    return wrapper


def _record_reply(completion: Any) -> None:
    span = OpenSpan.innermost()
    if isinstance(span, CompletionSpan):
        record_body(span, completion)
        span.add_usage(completion.usage)


PATCH = Patch(
    name="crewai.unparsed_structured_outputs",
    symptom="a reply that does not fit the requested schema leaves neither text nor tokens",
    upstream="crewai.llms.providers.openai.completion (`beta.chat.completions`, `llm_call_failed`)",
    versions={"crewai": ">=1.15.29,<1.16", "openai": ">=2,<3"},
    delete_when="the event of a failed completion contains its token usage",
    canary="tests/patches/crewai/test_token_usage.py"
    "::test_upstream_crewai_emits_the_usage_of_a_failed_completion",
    apply=_apply,
    wraps={
        "openai.resources.chat.completions.completions:_parse_chat_completion": "",
        "openai.lib.streaming.chat._completions:parse_chat_completion": "",
    },
)
