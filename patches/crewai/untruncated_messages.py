"""The messages and tools of CrewAI's LLM events, whole: as they come, the deeper parts are text.

CrewAI takes them for the event to a depth of five, and beneath that writes the `repr`. A message
that asks for a tool call is deeper: it then asks for `'lookup'`, in quotes.
"""

from collections.abc import Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from patches.patch import Patch


@contextmanager
def _apply() -> Generator[None]:
    from crewai.utilities import serialization

    original: Any = serialization.to_serializable

    @wraps(original)
    def to_serializable(obj: Any, exclude: Any = None, max_depth: int = 0, **inner: Any) -> Any:
        return original(obj, exclude, max_depth, **inner)

    serialization.to_serializable = to_serializable  # type: ignore[assignment]
    try:
        yield
    finally:
        serialization.to_serializable = original


PATCH = Patch(
    name="crewai_messages",
    symptom="the events of completions hold parts of messages and of tools' schemas as a repr",
    upstream="crewai.llms.base_llm.BaseLLM._emit_call_started_event (`to_serializable`, depth 5)",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="the event of a completion holds the messages that are sent",
    canary="tests/patches/crewai/test_call_spans.py::test_crewai_alone_tells_of_the_messages_as_they_are",
    apply=_apply,
)
