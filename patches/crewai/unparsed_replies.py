"""Completions that came and don't fit: what was said and spent where an object was asked for.

For `output_pydantic`, `output_json` and `response_model` the OpenAI client parses the reply. Where
there is no such object in it, CrewAI tells of the error and no more, or asks a second time within
the same call; yet the tokens are spent, and the reply says what was wrong with it.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from patches.crewai.call_spans import CompletionSpan
from patches.patch import Patch
from patches.support.open_span import OpenSpan


@contextmanager
def _apply() -> Generator[None]:
    from openai.lib.streaming.chat import _completions as streamed
    from openai.resources.chat.completions import completions as whole

    originals = [
        (module, name, getattr(module, name))
        for module, name in (
            (whole, "_parse_chat_completion"),
            (streamed, "parse_chat_completion"),
        )
    ]
    try:
        for module, name, parse in originals:
            setattr(module, name, _wrap_parse(parse))
        yield
    finally:
        for module, name, parse in originals:
            setattr(module, name, parse)


def _wrap_parse(parse: Callable[..., Any]) -> Callable[..., Any]:
    """Tell the completion under way of a reply in which `parse` finds no object."""

    @wraps(parse)
    def parsed(*, chat_completion: Any, **asked: Any) -> Any:
        found = None
        try:
            found = parse(chat_completion=chat_completion, **asked)
        finally:
            span = OpenSpan.innermost()
            if isinstance(span, CompletionSpan) and not _is_parsed(found):
                _record_reply(span, chat_completion)
        return found

    return parsed


def _is_parsed(found: Any) -> bool:
    return bool(found is not None and found.choices and found.choices[0].message.parsed)


def _record_reply(span: CompletionSpan, reply: Any) -> None:
    if not reply.choices or reply.usage is None:
        return
    first, usage = reply.choices[0], reply.usage.to_dict()
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    span.reply.text = first.message.content
    span.record_reply(
        first.message.content, first.finish_reason, usage | {"cached_prompt_tokens": cached}
    )


PATCH = Patch(
    name="crewai_unparsed",
    symptom="a completion that does not fit the object asked for shows no reply and no tokens",
    upstream="crewai.llms.providers.openai.completion (`beta.chat.completions`, `llm_call_failed`)",
    versions={"crewai": ">=1.15.29,<1.16", "openai": ">=2,<3"},
    delete_when="the event of a failed completion tells of the tokens that it took",
    canary="tests/patches/crewai/test_token_usage.py::test_crewai_alone_tells_what_a_failed_completion_has_spent",
    apply=_apply,
)
