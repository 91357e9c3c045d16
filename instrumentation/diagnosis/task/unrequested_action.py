"""Task derailment: an argument of a call with consequences has no word of the agent's prompt."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.completions import Completion, ToolRequest
from instrumentation.diagnosis.reading.lexicon import CONSEQUENCES
from instrumentation.diagnosis.reading.texts import content_words, iter_fields
from instrumentation.diagnosis.reading.trace_reading import TraceReading

MODE = "task derailment"
FIX = "Let tools with consequences accept only what the task names, or ask a person first."
FREE_TEXT = frozenset(
    ("reason", "note", "notes", "comment", "message", "subject", "body", "description", "title")
)
"""Arguments that an agent writes itself."""


def find_unrequested_actions(reading: TraceReading) -> Iterator[Finding]:
    """Yield calls with consequences that select by words which nothing in the prompt has."""
    for completion in reading.index.completions:
        for request in completion.answer.requests:
            words = _unknown_argument(completion, request)
            calls = reading.index.calls_after(completion, request.name) if words else []
            call = calls[0] if calls else None
            if call is not None and not call.failed:
                prompt = completion.prompt[0].text if completion.prompt else ""
                yield reading.build_finding(
                    MODE,
                    call,
                    FIX,
                    0.7,
                    quote(call, call.inputs, f"nothing mentions {words}"),
                    quote(completion.span, prompt, "this was given"),
                )


def _unknown_argument(completion: Completion, request: ToolRequest) -> str:
    """The text of an argument that has no word in common with the prompt."""
    if not CONSEQUENCES.search(request.name):
        return ""
    known = content_words(completion.prompt_text)
    for name, value in iter_fields(request.arguments) if known else ():
        words = content_words(value) if isinstance(value, str) else frozenset()
        if words and name not in FREE_TEXT and not words & known:
            return str(value)
    return ""
