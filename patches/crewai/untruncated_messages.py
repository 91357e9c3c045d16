"""Keep messages and tools in CrewAI's LLM events whole, where parts would become a `repr`.

CrewAI serializes them for the event to a depth of five, and writes the `repr` of what is deeper. A
message with a tool call is deeper, so the tool's name becomes `'lookup'`, with quotes.
"""

from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block


def _apply() -> AbstractContextManager[None]:
    from crewai.utilities import serialization

    original: Any = serialization.to_serializable

    @wraps(original)
    def to_serializable(
        obj: Any, exclude: Any = None, max_depth: int = 0, *args: Any, **kwargs: Any
    ) -> Any:
        return original(obj, exclude, max_depth, *args, **kwargs)

    return replace_for_block(serialization, to_serializable=to_serializable)


PATCH = Patch(
    name="crewai.untruncated_messages",
    symptom="the events of completions contain parts of messages and tool schemas as a repr",
    upstream="crewai.llms.base_llm.BaseLLM._emit_call_started_event (`to_serializable`, depth 5)",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="the event of a completion holds the messages that are sent",
    canary="tests/patches/crewai/test_call_spans.py"
    "::test_upstream_crewai_emits_the_messages_unchanged",
    apply=_apply,
    wraps={"crewai.utilities.serialization:to_serializable": "obj, exclude, max_depth"},
)
