"""Completions that came and don't fit: what was said and spent where an object was asked for.

For `output_pydantic`, `output_json` and `response_model` the OpenAI client parses the reply. Where
it does not fit, CrewAI tells of the error and no more; yet the tokens are spent, and the reply says
what was wrong with it.
"""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

from patches.crewai_calls import CompletionSpan
from patches.open_span import OpenSpan
from patches.patch import Patch


@contextmanager
def _applied() -> Generator[None]:
    from openai.lib.streaming.chat import _completions as streamed
    from openai.resources.chat.completions import completions as whole

    with ExitStack() as stack:
        for module, name in (
            (whole, "_parse_chat_completion"),
            (streamed, "parse_chat_completion"),
        ):
            stack.enter_context(patch.object(module, name, _told(getattr(module, name))))
        yield


def _told(parse: Callable[..., Any]) -> Callable[..., Any]:
    """Tell the completion under way of a reply that `parse` refuses."""

    @wraps(parse)
    def parsed(*, chat_completion: Any, **asked: Any) -> Any:
        try:
            return parse(chat_completion=chat_completion, **asked)
        except Exception:  # of many kinds: no JSON, another object, cut short, filtered
            span = OpenSpan.innermost()
            if isinstance(span, CompletionSpan) and chat_completion.choices:
                usage = chat_completion.usage
                first = chat_completion.choices[0]
                span.came(first.message.content, first.finish_reason, usage and usage.to_dict())
            raise

    return parsed


PATCH = Patch(
    name="crewai_unparsed",
    symptom="a completion that does not fit the object asked for shows no reply and no tokens",
    upstream="crewai.llms.providers.openai.completion (`beta.chat.completions`, `llm_call_failed`)",
    versions={"crewai": ">=1.15.29,<1.16", "openai": ">=2,<3"},
    delete_when="the event of a failed completion tells of the tokens that it took",
    canary="tests/test_crew_spent.py::test_crewai_alone_tells_what_a_failed_completion_has_spent",
    apply=_applied,
)
